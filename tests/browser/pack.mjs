// Takes evidence packs apart and makes others of them: damaged ones, and well-made ones of somebody who has the log's
// secret key. Shares no code with the product or the page.
import { createHash, createPrivateKey, createPublicKey, sign as ed25519 } from "node:crypto";
import { readFileSync } from "node:fs";

const BLOCK = 512;
const WIDTH = 256;

export const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The files of a tar, by name. */
export function unpack(tar) {
  const files = new Map();
  for (let at = 0; tar[at] !== 0; ) {
    const name = tar.toString("latin1", at, at + 100).replace(/\0.*$/s, "");
    const bytes = Number.parseInt(tar.toString("latin1", at + 124, at + 135), 8);
    files.set(name, Buffer.from(tar.subarray(at + BLOCK, at + BLOCK + bytes)));
    at += BLOCK + Math.ceil(bytes / BLOCK) * BLOCK;
  }
  return files;
}

export function member(name, bytes, type = "0") {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write("ustar\0" + "00", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}

/** A tar of the files in the order of their names, pack.json last. */
export function pack(files, ...more) {
  const names = [...files.keys()].filter((name) => name !== "pack.json").sort();
  if (files.has("pack.json")) names.push("pack.json");
  return Buffer.concat([...names.map((name) => member(name, files.get(name))), ...more, Buffer.alloc(2 * BLOCK)]);
}

/** Lists the files anew in pack.json, and changes what is given. */
export function list(files, changes = {}) {
  const manifest = { ...JSON.parse(files.get("pack.json")), ...changes };
  const names = [...files.keys()].filter((name) => name !== "pack.json").sort();
  manifest.files = names.map((path) => ({ bytes: files.get(path).length, path, sha256: sha256(files.get(path)).toString("hex") }));
  const sorted = Object.fromEntries(Object.entries(manifest).sort(([one], [other]) => (one < other ? -1 : 1)));
  files.set("pack.json", Buffer.from(JSON.stringify(sorted)));
  return files;
}

/** A key from 32 bytes of secret: type 1 signs notes, type 4 cosigns. */
export function keyOf(name, secret, type = 1) {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), secret]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const point = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  const material = Buffer.concat([Buffer.from([type]), point]);
  const id = sha256(`${name}\n`, material).subarray(0, 4);
  const line = (bytes) => `\u2014 ${name} ${Buffer.concat([id, bytes]).toString("base64")}\n`;
  return {
    name,
    vkey: `${name}+${id.toString("hex")}+${material.toString("base64")}`,
    sign: (text) => ed25519(null, Buffer.from(text), key),
    note: (text) => line(ed25519(null, Buffer.from(text), key)),
    cosign: (text, time) => {
      const stamp = Buffer.alloc(8);
      stamp.writeBigUInt64BE(BigInt(time));
      return line(Buffer.concat([stamp, ed25519(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), key)]));
    },
  };
}

/** The key in a file of the server: PRIVATE+KEY+name+id+base64. */
export function secretKey(text) {
  const [, name, encoded] = /^PRIVATE\+KEY\+([^+]+)\+[0-9a-f]{8}\+(.+)$/.exec(text.trim());
  return keyOf(name, Buffer.from(encoded, "base64").subarray(1));
}

const split = (count) => 2 ** Math.floor(Math.log2(count - 1));

/** The root over leaf hashes, as RFC 6962 defines it. */
export function root(leaves) {
  if (leaves.length === 0) return sha256("");
  if (leaves.length === 1) return leaves[0];
  const left = split(leaves.length);
  return sha256(Buffer.from([1]), root(leaves.slice(0, left)), root(leaves.slice(left)));
}

/** The proof that leaf `index` is in the tree, its sibling first. */
export function prove(leaves, index) {
  if (leaves.length <= 1) return [];
  const left = split(leaves.length);
  return index < left
    ? [...prove(leaves.slice(0, left), index), root(leaves.slice(left))]
    : [...prove(leaves.slice(left), index - left), root(leaves.slice(0, left))];
}

function path(kind, index, width) {
  let name = String(index % 1000).padStart(3, "0");
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    name = `x${String(rest % 1000).padStart(3, "0")}/${name}`;
  }
  return `log/tile/${kind}/${name}${width < WIDTH ? `.p/${width}` : ""}`;
}

/** The name of the bundle that holds an entry. */
export const bundleOf = (size, index) => {
  const bundle = Math.floor(index / WIDTH);
  return path("entries", bundle, Math.min(WIDTH, size - bundle * WIDTH));
};

export const sizeOf = (files) => Number(files.get("log/checkpoint").toString().split("\n")[1]);

/** All entries of the log, as bytes. */
export function entriesOf(files) {
  const entries = [];
  for (let size = sizeOf(files), at = 0; at < size; at += WIDTH) entries.push(...unbundle(files.get(bundleOf(size, at))));
  return entries;
}

function unbundle(bundle) {
  const entries = [];
  for (let at = 0; at < bundle.length; ) {
    const end = at + 2 + bundle.readUInt16BE(at);
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

export const bundle = (entries) =>
  Buffer.concat(entries.flatMap((entry) => [Buffer.from([entry.length >> 8, entry.length & 255]), entry]));

export const leafOf = (entry) => sha256(Buffer.from([0]), entry);

export const headText = (origin, entries) =>
  `${origin}\n${entries.length}\n${root(entries.map(leafOf)).toString("base64")}\n`;

/**
 * The pack of a log that has these entries: bundles, tiles and a head signed by the keys; no earlier heads, payloads
 * or proofs. What is changed in the head's text is signed too.
 */
export function relog(files, entries, keys, change = (text) => text) {
  const made = new Map([...files].filter(([name]) => !/^(log|openings|proofs)\//.test(name)));
  const leaves = entries.map(leafOf);
  for (let at = 0; at < entries.length; at += WIDTH) {
    made.set(bundleOf(entries.length, at), bundle(entries.slice(at, at + WIDTH)));
  }
  for (let level = 0, row = leaves; row.length > 0; level += 1) {
    const next = [];
    for (let at = 0; at < row.length; at += WIDTH) {
      const hashes = row.slice(at, at + WIDTH);
      made.set(path(level, at / WIDTH, hashes.length), Buffer.concat(hashes));
      if (hashes.length === WIDTH) next.push(root(hashes));
    }
    row = next;
  }
  const text = change(headText(keys[0].name, entries));
  made.set("log/checkpoint", Buffer.from(`${text}\n${keys.map((key) => key.note(text)).join("")}`));
  return list(made, { origin: keys[0].name, size: entries.length, root: root(leaves).toString("hex") });
}

/** What cases are made of: a pack of the server, and the secret key of its log. */
export function scene(packFile, secretFile, folder, openssl) {
  const tar = readFileSync(packFile);
  const files = unpack(tar);
  const key = secretKey(readFileSync(secretFile, "utf8"));
  return { tar, files, entries: entriesOf(files), key, vkey: key.vkey, folder, openssl, size: sizeOf(files) };
}
