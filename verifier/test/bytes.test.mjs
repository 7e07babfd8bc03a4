// Bytes, hashes and trees, against published vectors and Node's own cryptography.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import test from "node:test";
import { prove, root } from "../../tests/browser/pack.mjs";
const {
  EMPTY_ROOT, Frontier, Sha256, base64, byteLength, checkInclusion, count, decimal, decodeBundle, decodeTile, fromBase64, fromHex,
  fromUtf8, hashFromHex, hex, leafHash, nodeHash, sha256, subtreeRoot, tileIn, tilePath, utf8,
} = await import(process.env.VERIFIER_LIBRARY ?? "../dist/library.mjs");

const bytes = (buffer) => new Uint8Array(buffer);

test("SHA-256 is that of Node, whole and in pieces", () => {
  for (let length = 0; length < 300; length += 1) {
    const data = bytes(randomBytes(length));
    const expected = createHash("sha256").update(data).digest("hex");
    assert.equal(hex(sha256(data)), expected);
    const cut = Math.floor(Math.random() * (length + 1));
    assert.equal(hex(new Sha256().update(data.subarray(0, cut)).update(data.subarray(cut)).digest()), expected);
  }
});

test("SHA-256 counts more bits than fit in 32", () => {
  const [ours, theirs] = [new Sha256(), createHash("sha256")];
  const piece = bytes(randomBytes(1 << 20));
  for (let at = 0; at < 513; at += 1) {
    ours.update(piece);
    theirs.update(piece);
  }
  assert.equal(hex(ours.digest()), theirs.digest("hex"));
});

// The test data of the Certificate Transparency project for RFC 6962.
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

test("roots are those of RFC 6962", () => {
  assert.equal(hex(EMPTY_ROOT), ROOTS[0]);
  const tree = new Frontier();
  for (const [at, leaf] of LEAVES.entries()) {
    assert.equal(hex(tree.root()), ROOTS[at]);
    tree.append(leafHash(fromHex(leaf, leaf.length / 2)));
  }
  assert.equal(hex(tree.root()), ROOTS[8]);
  assert.equal(hex(subtreeRoot(LEAVES.map((leaf) => leafHash(fromHex(leaf, leaf.length / 2))))), ROOTS[8]);
  // A leaf of two hashes is not their node.
  const [left, right] = [leafHash(utf8("l")), leafHash(utf8("r"))];
  assert.notDeepEqual(nodeHash(left, right), leafHash(bytes(Buffer.concat([left, right]))));
});

test("a tree tells of every hash above its tiles", () => {
  const tree = new Frontier();
  const leaves = Array.from({ length: 600 }, (_, at) => leafHash(utf8(String(at))));
  const told = [];
  for (const leaf of leaves) tree.append(leaf, (level, index, hash) => told.push([level, index, hex(hash)]));
  const expected = [0, 1].map((at) => [1, at, hex(subtreeRoot(leaves.slice(256 * at, 256 * at + 256)))]);
  assert.deepEqual(told, expected);
  assert.equal(hex(tree.root()), root(leaves).toString("hex"));
});

test("inclusion proofs hold for their leaf and for nothing else", () => {
  for (let size = 1; size <= 33; size += 1) {
    const leaves = Array.from({ length: size }, (_, at) => leafHash(utf8(String(at))));
    const head = bytes(root(leaves));
    for (let index = 0; index < size; index += 1) {
      const proof = prove(leaves, index).map(bytes);
      checkInclusion(leaves[index], index, size, proof, head);
      assert.throws(() => checkInclusion(leafHash(utf8("x")), index, size, proof, head), /leads to root/);
      assert.throws(() => checkInclusion(leaves[index], index, size, [...proof, head], head), /too many/);
      assert.throws(() => checkInclusion(leaves[index], size, size, proof, head), /not in a tree/);
      if (proof.length > 0) assert.throws(() => checkInclusion(leaves[index], index, size, proof.slice(1), head));
    }
  }
});

test("tiles have one path each, and only those that the tree has", () => {
  assert.equal(tilePath({ level: 0, index: 1234067, width: 256 }), "tile/0/x001/x234/067");
  assert.equal(tilePath({ level: "entries", index: 1000, width: 255 }), "tile/entries/x001/000.p/255");
  assert.deepEqual(tileIn(1, 0, 70_000), { level: 1, index: 0, width: 256 });
  assert.deepEqual(tileIn(1, 1, 70_000), { level: 1, index: 1, width: 17 });
  assert.deepEqual(tileIn(0, 0, 256), { level: 0, index: 0, width: 256 });
  for (const [level, index, size] of [[0, 1, 256], [1, 2, 70_000], [3, 0, 70_000], [0, 0, 0]]) {
    assert.equal(tileIn(level, index, size), null);
  }
});

test("bundles and tiles are taken apart to the last byte", () => {
  const bundle = bytes([0, 1, 97, 0, 0, 0, 3, 99, 99, 99]);
  assert.deepEqual(decodeBundle(bundle).map((entry) => fromUtf8(entry)), ["a", "", "ccc"]);
  for (const cut of [1, 2, 4, 6, 9]) assert.throws(() => decodeBundle(bundle.slice(0, cut)), /ends inside/);
  assert.throws(() => decodeBundle(bytes([])), /none/);
  assert.throws(() => decodeBundle(new Uint8Array(2 * 257)), /more/);
  assert.equal(decodeTile(new Uint8Array(64)).length, 2);
  for (const length of [0, 31, 33, 257 * 32]) assert.throws(() => decodeTile(new Uint8Array(length)));
});

test("each value has one spelling", () => {
  for (let length = 0; length < 40; length += 1) {
    const data = bytes(randomBytes(length));
    assert.equal(base64(data), Buffer.from(data).toString("base64"));
    assert.deepEqual(fromBase64(base64(data)), data);
    assert.deepEqual(fromHex(hex(data), length), data);
  }
  for (const text of ["A", "AA", "AAA", "AA=A", "A===", "AB==", "AAB=", "AA-_", "AA A", "AAAA\n", "====", "é==="]) {
    assert.equal(fromBase64(text), null, text);
  }
  assert.equal(hashFromHex("AB".repeat(32)), null);
  assert.equal(hashFromHex("ab".repeat(31)), null);
  assert.equal(decimal("18446744073709551615"), 2n ** 64n - 1n);
  for (const text of ["", "01", "+1", "-1", "1 ", "1e3", "18446744073709551616", "٣"]) assert.equal(decimal(text), null, text);
  assert.equal(count("9007199254740991"), Number.MAX_SAFE_INTEGER);
  assert.equal(count("9007199254740992"), null);
  for (const text of ["", "a", "é", "€", "😀", "\u{10ffff}"]) assert.equal(byteLength(text), Buffer.from(text).length, text);
  assert.equal(fromUtf8(bytes([0xff])), null);
  assert.equal(fromUtf8(bytes([0xef, 0xbb, 0xbf])), "\ufeff");
});
