// Ways to change a pack: its files, its list, its entries under the real tiles, and its whole log with the real key.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, bundleOf, headText, keyOf, list, pack, relog } from "./pack.mjs";

/** An entry in the middle, whose bundle is a full one where the log is long enough. */
export const victim = ({ size }) => Math.min(300, size - 5);
export const tileOf = (size, index) => bundleOf(size, index).replace("entries", "0");
export const first = (files, folder) => [...files.keys()].filter((name) => name.startsWith(folder)).sort()[0];

export function flip(bytes, at) {
  const flipped = Buffer.from(bytes);
  flipped[at] ^= 1;
  return flipped;
}

/** Changes files of the pack, and lists them anew. */
export function edited({ files }, change) {
  const made = new Map(files);
  change(made);
  return pack(list(made));
}

/** Changes files and leaves pack.json as it is. */
export function unlisted({ files }, change) {
  const made = new Map(files);
  change(made);
  return pack(made);
}

/** Other members of pack.json. */
export const relisted = ({ files }, changes) => pack(list(new Map(files), changes));

/** A log of other entries, signed by the real key. */
export const resigned = (scene, change) => pack(relog(scene.files, change([...scene.entries]), [scene.key]));

/** One other entry in a log that the real key signed. */
export const replaced = (scene, index, change) =>
  resigned(scene, (entries) => entries.with(index, change(entries[index])));

/** One more entry in a log that the real key signed. */
export const appended = (scene, entry) => resigned(scene, (entries) => [...entries, entry]);

/** Other entries in a bundle, under the tiles and the head of the real ones. */
export function rebundled(scene, index, change) {
  const start = index - (index % 256);
  const entries = change([...scene.entries]).slice(start, start + 256);
  return edited(scene, (files) => files.set(bundleOf(scene.size, index), bundle(entries)));
}

/** Where the content of a file begins in the tar as it came. */
export function contentOf({ tar }, name) {
  for (let at = 0; at < tar.length; at += 512) {
    if (tar.toString("latin1", at, at + name.length + 1) === `${name}\0`) return at + 512;
  }
  throw new Error(`${name} is not in the pack`);
}

/** Changes a file that is text. */
export const text = (files, name, change) => files.set(name, Buffer.from(change(files.get(name).toString())));

/** Changes the bytes of a signature line, or of the last one of a note. */
export function signature(line, change) {
  const at = line.lastIndexOf(" ") + 1;
  return `${line.slice(0, at)}${change(Buffer.from(line.slice(at), "base64")).toString("base64")}\n`;
}

export const note = (text, ...keys) => `${text}\n${keys.map((key) => key.note(text)).join("")}`;

/** A signed checkpoint of a log of these entries. */
export const headOf = ({ key }, entries, signer = key) => note(headText(signer.name, entries), signer);

export function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

/** An entry with other members. */
export const changed = (entry, members) => Buffer.from(canonical({ ...JSON.parse(entry), ...members }));

/** A further entry in the organisation's stream. */
export function event({ entries }, type, data, members = {}) {
  const own = entries.map((entry) => JSON.parse(entry)).filter(({ stream }) => stream === "org");
  const { recorded_at } = JSON.parse(entries.at(-1));
  const { idempotency_key, ...last } = own.at(-1);
  const entry = { ...last, recorded_at, occurred_at: recorded_at, stream_seq: own.length, type, data, commitments: [] };
  return Buffer.from(canonical({ ...entry, ...members }));
}

/** The key that the log's key hands over to. */
export const next = ({ key }) => keyOf(key.name, Buffer.alloc(32, 77));

/** The files of a log whose last entry hands over to the next key, which signs its head. */
export function rotated(scene, change = (data) => data) {
  const [old, taking] = [scene.key, next(scene)];
  const from = scene.size + 1;
  const statement =
    `comptroller-key-rotation/v1\norigin ${old.name}\nold ${old.vkey}\nnew ${taking.vkey}\nfrom ${from}\n`;
  const data = {
    origin: old.name,
    old_vkey: old.vkey,
    new_vkey: taking.vkey,
    from_size: from,
    old_signature: old.sign(statement).toString("base64"),
    new_signature: taking.sign(statement).toString("base64"),
  };
  const files = new Map(scene.files);
  text(files, "keys/history", (history) => `${history}key ${taking.vkey} from ${from}\n`);
  return relog(files, [...scene.entries, event(scene, "ledger.key_rotated", change(data))], [taking]);
}

export const WITNESSES = [1, 2, 3].map((number) => keyOf(`witness.example/${number}`, Buffer.alloc(32, number), 4));

/** A policy that knows all three, and a group of two of them. */
export const policyOf = (quorum) =>
  `${WITNESSES.map(({ vkey }, at) => `witness w${at} ${vkey}\n`).join("")}group two 2 w0 w1 w2\nquorum ${quorum}\n`;

/** The pack with cosignatures under its head. Its proofs are left out: each would need them too. */
export function cosigned(scene, witnesses, change = (line) => line) {
  return edited(scene, (files) => {
    for (const name of files.keys()) if (name.startsWith("proofs/")) files.delete(name);
    const signed = headText(scene.key.name, scene.entries);
    const lines = witnesses.map((witness) => change(witness.cosign(signed, 1_800_000_000)));
    text(files, "log/checkpoint", (head) => head + lines.join(""));
  });
}

/** A token of an authority of our own for a text. */
export function token({ folder, openssl }, stamped, key) {
  const run = (...words) => execFileSync(openssl, words, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const put = (name, text) => writeFileSync(join(folder, name), text);
  put("serial", "4711\n");
  put("stamped", stamped);
  put(
    "ts.cnf",
    "[req]\ndistinguished_name=dn\n[dn]\n[tsa]\ndefault_tsa=t\n[t]\nserial=serial\ndefault_policy=1.2.3.4\n" +
      "digests=sha256\nsigner_digest=sha384\naccuracy=secs:1\ness_cert_id_alg=sha256\n",
  );
  const kind = key === "rsa" ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"];
  const uses = ["extendedKeyUsage=critical,timeStamping", "keyUsage=critical,digitalSignature"];
  run(
    ...["req", "-x509", "-config", "ts.cnf", "-newkey", ...kind, "-nodes", "-keyout", "tsa.key", "-out", "tsa.pem"],
    ...["-subj", "/O=Example/CN=Test Authority", "-days", "30", ...uses.flatMap((use) => ["-addext", use])],
  );
  run("ts", "-query", "-data", "stamped", "-sha256", "-cert", "-out", "query.tsq");
  run(
    ...["ts", "-reply", "-config", "ts.cnf", "-queryfile", "query.tsq", "-signer", "tsa.pem", "-inkey", "tsa.key"],
    ...["-token_out", "-out", "token.tst"],
  );
  return readFileSync(join(folder, "token.tst"));
}

/** The pack with a token for its head. */
export function stamped(scene, key, change = (bytes) => bytes, about = headText(scene.key.name, scene.entries)) {
  const made = change(token(scene, about, key));
  return edited(scene, (files) => files.set(`log/timestamps/${scene.size}.tst`, made));
}

/** A random small edit of a file, which pack.json then lists as it is. */
export function edit({ files }) {
  const pick = (count) => Math.floor(Math.random() * count);
  const names = [...files.keys()];
  const name = names[pick(names.length)];
  const bytes = files.get(name);
  const at = pick(bytes.length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
  const put = [[bytes[at] ^ (1 << pick(8))], [], [bytes[at], bytes[at]], [[0, 10, 32, 34, 48, 255][pick(6)]]][pick(4)];
  const made = new Map(files).set(name, Buffer.concat([before, Buffer.from(put), after]));
  return { name, at, tar: pack(name === "pack.json" ? made : list(made)) };
}
