"""Trains a LightGBM model and writes its files. Must not decide what is trained on.

The text format holds thresholds, categories and leaf values as decimal text: no code runs
when it is read. Numeric models are written as ONNX too.
"""

import json
from pathlib import Path

import lightgbm
import numpy as np
import onnx
from onnx import TensorProto, helper

# One thread and fixed seeds: the same rows give the same bytes.
FIXED = {
    "objective": "binary",
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 20261122,
    "verbosity": -1,
}


def train(
    features: np.ndarray, label: np.ndarray, names: list[str], categorical: list[str], params: dict
) -> lightgbm.Booster:
    """Fits one booster. `params` must hold `num_iterations`; `features` are float64, one column per name."""
    data = lightgbm.Dataset(
        features, label=label, feature_name=names, categorical_feature=categorical, params={"verbosity": -1}
    )
    return lightgbm.train({**FIXED, **params}, data)


def predict(booster: lightgbm.Booster, features: np.ndarray) -> np.ndarray:
    """Probability of label 1 for each row, float64."""
    return booster.predict(features, num_threads=1)


def write_json(path: Path, value: object) -> None:
    """Indented JSON with a final newline; key order is the caller's."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_onnx(booster: lightgbm.Booster, names: list[str], path: Path) -> None:
    """Writes `path`: input `features` float32 [rows, names], output `probability` float32 [rows, 1].

    A TreeEnsembleRegressor sums the leaves and a Sigmoid follows. float32 represents every
    input exactly because all features are small integers; sums differ from the text model
    by rounding only. Raises ValueError on a categorical split, which has no ONNX form here.
    """
    nodes: dict[str, list] = {key: [] for key in ("tree", "node", "feature", "value", "mode", "yes", "no", "missing")}
    leaves: dict[str, list] = {key: [] for key in ("tree", "node", "weight")}

    def add(tree: int, node: dict, next_id: int) -> tuple[int, int]:
        """Adds `node` and what is below it; returns (its id, the next free id)."""
        row = len(nodes["tree"])
        own_id = next_id
        is_leaf = "leaf_value" in node
        if not is_leaf and node["decision_type"] != "<=":
            raise ValueError(f"tree {tree}: split type {node['decision_type']!r} cannot be written as ONNX")
        nodes["tree"].append(tree)
        nodes["node"].append(own_id)
        nodes["feature"].append(0 if is_leaf else node["split_feature"])
        nodes["value"].append(0.0 if is_leaf else float(node["threshold"]))
        nodes["mode"].append("LEAF" if is_leaf else "BRANCH_LEQ")
        nodes["missing"].append(0 if is_leaf else int(node["default_left"]))
        nodes["yes"].append(0)
        nodes["no"].append(0)
        if is_leaf:
            leaves["tree"].append(tree)
            leaves["node"].append(own_id)
            leaves["weight"].append(float(node["leaf_value"]))
            return own_id, own_id + 1
        nodes["yes"][row], free = add(tree, node["left_child"], own_id + 1)
        nodes["no"][row], free = add(tree, node["right_child"], free)
        return own_id, free

    for tree in booster.dump_model()["tree_info"]:
        add(tree["tree_index"], tree["tree_structure"], 0)
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["margin"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=nodes["tree"],
        nodes_nodeids=nodes["node"],
        nodes_featureids=nodes["feature"],
        nodes_values=nodes["value"],
        nodes_modes=nodes["mode"],
        nodes_truenodeids=nodes["yes"],
        nodes_falsenodeids=nodes["no"],
        nodes_missing_value_tracks_true=nodes["missing"],
        target_treeids=leaves["tree"],
        target_nodeids=leaves["node"],
        target_ids=[0] * len(leaves["tree"]),
        target_weights=leaves["weight"],
    )
    graph = helper.make_graph(
        [ensemble, helper.make_node("Sigmoid", ["margin"], ["probability"])],
        "model",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(names)])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="comptroller-examples")
    helper.set_model_props(model, {"feature_names": ",".join(names)})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
