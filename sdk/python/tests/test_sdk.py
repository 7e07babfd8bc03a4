"""The package against the real server: what it acknowledges is there once, and what is not is raised.

`COMPTROLLER_BINARY` is the server's program.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from datetime import datetime, timezone
from pathlib import Path

from comptroller import Client, ComptrollerError, NotDelivered, Problem, QueueFull, Unreachable
from comptroller import records

BINARY = os.environ["COMPTROLLER_BINARY"]
README = Path(__file__).resolve().parent.parent / "README.md"
PATIENCE = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server of its own, on one port however often it starts."""

    def __init__(self, **settings: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.settings = {"COMPTROLLER__LAKE__SEAL_SECONDS": "1", **settings}
        self.start()
        self.owner = (Path(self.folder.name) / "comptroller-data/bootstrap-token").read_text().strip()

    def start(self) -> None:
        words = [BINARY, "serve", "--log-level", "error", "--listen", self.url.removeprefix("http://")]
        self.process = subprocess.Popen(
            words, cwd=self.folder.name, env={**os.environ, **self.settings}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        Client(self.url, "none", patience=PATIENCE)._transport.request("GET", "/healthz")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.kill()
        self.folder.cleanup()

    def client(self, token: str, **options: object) -> Client:
        return Client(self.url, token, "dev", **options)

    def account(self, slug: str, *roles: str) -> str:
        owner = self.client(self.owner)
        owner.post("service-accounts", body={"slug": slug})
        for role in roles:
            owner.post("roles", "grant", body={"principal": slug, "role": role})
        return owner.post("tokens", body={"principal": slug, "label": "t", "days": 1})["secret"]

    def serve_scorer(self) -> None:
        """`scorer@v1` runs in dev; `runtime` may send, `auditor` may look."""
        self.runtime = self.account("builder", "developer", "deployer")
        self.auditor = self.account("watcher", "auditor")
        self.client(self.owner).post("teams", body={"slug": "risk-models"})
        builder = self.client(self.runtime)
        builder.post("systems", body={
            "slug": "credit", "kind": "own", "status": "development", "owner_team": "risk-models",
            "text": {"title": "Credit scoring", "purpose": "Ranks applications", "populations": ["applicants"]}})
        self.model = builder.register_model("credit", "scorer")
        weights = Path(self.folder.name) / "model.bin"
        weights.write_bytes(b"weights" * 1000)
        self.version = builder.register_version(
            "scorer", "v1", artifacts={"model.bin": weights}, training_started="2026-01-01T10:00:00Z",
            training_ended="2026-01-01T11:00:00Z", code_commit="9fceb02d0ae598e95dc970b74767f19372d61af8",
            metrics={"auc": 0.81}, text={"hyperparameters": {"depth": 4}, "reproduce": "python train.py"})
        builder.deploy("scorer@v1", "a test")

    def sealed(self, kind: str) -> int:
        """Records in sealed blocks."""
        page = self.client(self.auditor).get("ledger", "entries", kind="predictions.sealed", limit="200")
        data = [item["entry"]["data"] for item in page["items"]]
        return sum(block["rows"] for block in data if block["records"] == kind)

    def sealed_become(self, case: unittest.TestCase, kind: str, rows: int) -> None:
        begun = time.monotonic()
        while (sealed := self.sealed(kind)) != rows:
            case.assertLess(sealed, rows, "a record counts twice")
            case.assertLess(time.monotonic() - begun, PATIENCE, f"{sealed} of {rows} are sealed")
            time.sleep(0.2)


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.server.serve_scorer()

    def test_what_was_registered_is_there_and_the_gate_answers(self) -> None:
        client = self.server.client(self.server.runtime)
        self.assertGreater(self.server.version.ledger_index, self.server.model.ledger_index)
        decision = client.gate("scorer@v1")
        self.assertEqual((decision.outcome, bool(decision)), ("allow", True))
        production = client.gate("scorer@v1", "production")
        self.assertFalse(production)
        self.assertTrue(production.rules[0]["remedy"])
        # A file that is there is not sent again.
        file = Path(self.server.folder.name) / "model.bin"
        self.assertEqual(client.upload(file), client.upload(file))

    def test_refusals_say_what_to_do(self) -> None:
        with self.assertRaises(Problem) as caught:
            self.server.client(self.server.runtime).gate("nothing@v1")
        self.assertEqual((caught.exception.status, caught.exception.code), (404, "not-found"))
        self.assertTrue(caught.exception.remedy)
        with self.assertRaises(Problem) as caught:
            self.server.client("wrong").gate("scorer@v1")
        self.assertEqual(caught.exception.status, 401)
        with self.assertRaises(ComptrollerError):
            Client("http://127.0.0.1:1", "t").gate("scorer@v1")
        with self.assertRaises(Unreachable):
            Client("http://127.0.0.1:1", "t", patience=0.1).get("whoami")

    def test_a_batch_counts_once_and_a_prediction_is_found(self) -> None:
        client = self.server.client(self.server.runtime)
        made = datetime(2026, 3, 1, 10, tzinfo=timezone.utc)
        batch = [{"id": f"direct-{n}", "time": made, "score": 0.5, "inputs": {"income": n}} for n in range(10)]
        self.assertEqual(client.send_predictions("scorer@v1", batch, batch_id="b"), 10)
        self.assertEqual(client.send_predictions("scorer@v1", batch, batch_id="b"), 10)
        with self.assertRaises(Problem) as caught:
            client.send_predictions("scorer@v1", batch[:5], batch_id="b")
        self.assertEqual(caught.exception.status, 409)
        client.send_labels("scorer@v1", [{"id": "direct-3", "label": "good"}])
        shown = self.server.client(self.server.auditor).prediction("credit", "direct-3")
        self.assertEqual((shown["outcome"], shown["time"][:10]), ("good", "2026-03-01"))
        self.assertEqual(list(client.windows("credit")), [], "there is no baseline")

    def test_what_the_server_refuses_for_good_is_raised_and_the_rest_is_taken(self) -> None:
        recorder = self.server.client(self.server.runtime).recorder("scorer@v1", flush_seconds=60)
        recorder.predict("future", time="2199-01-01T00:00:00Z")
        with self.assertRaises(NotDelivered) as caught:
            recorder.flush(PATIENCE)
        self.assertIn("future", str(caught.exception))
        self.assertEqual(json.loads(caught.exception.batches[0].body)["id"], "future")
        recorder.predict("fine")
        recorder.close()
        self.assertEqual((recorder.acknowledged, recorder.waiting_bytes), (1, 0))
        with self.assertRaises(ComptrollerError):
            recorder.predict("late")

    def test_the_example_of_the_readme_does_what_it_says(self) -> None:
        [example] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
        environment = {
            **os.environ, "COMPTROLLER_URL": self.server.url, "COMPTROLLER_TOKEN": self.server.runtime}
        ran = subprocess.run(
            [sys.executable, "-c", example], env=environment, capture_output=True, text=True, timeout=PATIENCE,
            check=False)
        self.assertEqual((ran.returncode, ran.stdout), (0, "1001 records are durable\n"), ran.stderr)

    def test_a_program_that_just_ends_has_sent_what_it_recorded(self) -> None:
        program = "from comptroller import Client\nr = Client().recorder('scorer@v1', 'dev', flush_seconds=60)\n" \
            "r.predict('at-exit')\n"
        environment = {
            **os.environ, "COMPTROLLER_URL": self.server.url, "COMPTROLLER_TOKEN": self.server.runtime}
        subprocess.run([sys.executable, "-c", program], env=environment, timeout=PATIENCE, check=True)
        self.server.client(self.server.auditor).prediction("credit", "at-exit")


class Trouble(unittest.TestCase):
    def test_kills_of_the_server_lose_and_double_nothing(self) -> None:
        server = Server()
        self.addCleanup(server.stop)
        server.serve_scorer()
        recorder = server.client(server.runtime).recorder("scorer@v1", flush_seconds=0.02)
        stopped = threading.Event()
        sent = [0, 0]

        def work(thread: int) -> None:
            while not stopped.is_set():
                recorder.predict(f"r-{thread}-{sent[thread]}", {"income": sent[thread]})
                if sent[thread] % 10 == 0:
                    recorder.label(f"r-{thread}-{sent[thread]}", "good")
                sent[thread] += 1
                time.sleep(0.001)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            time.sleep(0.7)
            server.kill()
            server.start()
        stopped.set()
        for thread in threads:
            thread.join()
        recorder.close()
        labels = sum((count + 9) // 10 for count in sent)
        self.assertEqual(recorder.acknowledged, sum(sent) + labels)
        server.sealed_become(self, "prediction", sum(sent))
        server.sealed_become(self, "label", labels)

    def test_a_server_that_is_full_is_waited_for_and_memory_is_bounded(self) -> None:
        server = Server(COMPTROLLER__LAKE__MEMORY_MIB="1")
        self.addCleanup(server.stop)
        server.serve_scorer()
        client = server.client(server.runtime)
        recorder = client.recorder("scorer@v1", max_bytes=2 << 20, flush_seconds=0.1)
        text, most = "x" * 4_000, 0
        for number in range(2_000):
            recorder.predict(f"big-{number}", {"text": text})
            most = max(most, recorder.waiting_bytes)
        recorder.close()
        self.assertLessEqual(most, 2 << 20)
        self.assertEqual(recorder.acknowledged, 2_000)
        server.sealed_become(self, "prediction", 2_000)

    def test_what_a_lost_server_never_took_is_raised_spooled_and_sent_by_the_next(self) -> None:
        server = Server()
        self.addCleanup(server.stop)
        server.serve_scorer()
        spool = Path(server.folder.name) / "spool"
        server.kill()
        recorder = server.client(server.runtime).recorder(
            "scorer@v1", max_bytes=10_000, block_seconds=0.2, flush_seconds=0.05, spool=spool)
        with self.assertRaises(QueueFull):
            for number in range(1_000):
                recorder.predict(f"lost-{number}", {"income": number})
        taken = number
        self.assertGreater(taken, 10)
        with self.assertRaises(NotDelivered):
            recorder.close(timeout=0.5)
        self.assertTrue(list(spool.glob("*.ndjson")))
        server.start()
        with server.client(server.runtime).recorder("scorer@v1", spool=spool) as recorder:
            pass
        self.assertEqual(recorder.acknowledged, taken)
        self.assertEqual(list(spool.iterdir()), [])


class Records(unittest.TestCase):
    def test_records_are_checked_where_they_are_made(self) -> None:
        line = json.loads(records.prediction("a", {"x": 1.5, "y": None}, score=0.25, latency_us=7))
        self.assertEqual((line["inputs"], line["score"], line["latency_us"]), ({"x": 1.5, "y": None}, 0.25, 7))
        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        for wrong in ("", "x" * 129, 7):
            with self.assertRaises(ValueError):
                records.prediction(wrong)
        with self.assertRaisesRegex(ValueError, "JSON has no such number"):
            records.prediction("a", {"x": float("nan")})
        with self.assertRaisesRegex(ValueError, "zone"):
            records.prediction("a", time=datetime(2026, 1, 1))
        with self.assertRaises(TypeError):
            records.prediction("a", {"x": object()})
        with self.assertRaises(ValueError):
            records.label("a", None)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)
