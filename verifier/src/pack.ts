// What a pack has beside its log: the manifest, key history, payloads shown, and proofs.

import { type Bytes, Problem, count, equal, excerpt, fromBase64, fromHex, fromUtf8, hashFromHex, utf8 } from "./bytes.ts";
import { lengthBucket, parseEntry } from "./entry.ts";
import { MAX_HISTORY_BYTES, type Rotation, byText, parseHistory } from "./history.ts";
import { exactly, isCount, isInteger, parseCanonical } from "./json.ts";
import { type Key, sameKey } from "./key.ts";
import { checkInclusion, leafHash } from "./merkle.ts";
import { type Checkpoint, MAX_NOTE_BYTES, parseCheckpoint } from "./note.ts";
import type { Report } from "./report.ts";
import { Sha256 } from "./sha256.ts";
import { FileProblem, type Source } from "./source.ts";
import type { Pack } from "./tar.ts";

export const MANIFEST = "pack.json";
const FORMAT = "comptroller-pack/v1";
/** Texts that browsers hold end not far above this. */
const MAX_MANIFEST_BYTES = 256 << 20;
const MAX_OPENING_BYTES = 64 << 20;
const MAX_PROOF_BYTES = MAX_NOTE_BYTES + (1 << 20);
const MAX_PROOF_HASHES = 63;
const HISTORY = "keys/history";

export interface Manifest {
  origin: string;
  org: string;
  createdAt: number;
  size: number;
  root: Bytes;
  period: { from: number; until: number } | null;
  files: { path: string; sha256: Bytes; bytes: number }[];
}

export async function readManifest(source: Source): Promise<Manifest> {
  const bytes = await source.required(MANIFEST, MAX_MANIFEST_BYTES);
  const members = ["created_at", "files", "format", "org", "origin", "root", "size"];
  const fields = exactly(parseCanonical(bytes), members, ["period"]);
  if (fields.format !== FORMAT) throw new Problem(`its format is not ${FORMAT}`);
  const { origin, org, created_at: createdAt, size } = fields;
  const root = hashFromHex(fields.root);
  if (typeof origin !== "string" || typeof org !== "string") throw new Problem("origin or org is not a text");
  if (!isInteger(createdAt) || !isCount(size) || root === null || !Array.isArray(fields.files)) {
    throw new Problem("created_at, size, root or files has not the form that it must have");
  }
  let period: Manifest["period"] = null;
  if (fields.period !== undefined && fields.period !== null) {
    const { from, until } = exactly(fields.period, ["from", "until"]);
    if (!isInteger(from) || !isInteger(until)) throw new Problem("the period is not two times");
    if (from > until) throw new Problem("the period ends before it begins");
    period = { from, until };
  }
  const files = fields.files.map((item, at) => {
    const file = exactly(item, ["bytes", "path", "sha256"]);
    const sha256 = hashFromHex(file.sha256);
    if (typeof file.path !== "string" || !isCount(file.bytes) || sha256 === null) {
      throw new Problem(`file ${at} of the list has not the form that it must have`);
    }
    return { path: file.path, sha256, bytes: file.bytes };
  });
  return { origin, org, createdAt, size, root, period, files };
}

/** Every file stands in the manifest with its length and digest, and the other way round. */
export function checkFiles(pack: Pack, manifest: Manifest, report: Report): void {
  const listed = new Set<string>();
  let before = "";
  for (const { path, sha256, bytes } of manifest.files) {
    const name = excerpt(path);
    if (listed.size > 0 && path <= before) report.fail("files", MANIFEST, `${JSON.stringify(name)} is listed out of order`);
    before = path;
    listed.add(path);
    const member = pack.members.get(path);
    if (member === undefined) {
      report.fail("files", name, "is listed in pack.json but missing from the pack");
    } else if (member.bytes !== bytes || !equal(member.sha256, sha256)) {
      report.fail("files", name, "was changed: its length or SHA-256 is not that of pack.json");
    }
  }
  for (const path of pack.names()) {
    if (path !== MANIFEST && !listed.has(path)) report.fail("files", path, "is not listed in pack.json");
  }
  if (listed.has(MANIFEST)) report.fail("files", MANIFEST, "lists itself");
}

/** keys/history names no key that a trusted one does not vouch for, and every change of keys in the log. */
export async function checkHistory(
  source: Source,
  keys: readonly Key[],
  rotations: readonly Rotation[],
  report: Report,
): Promise<number> {
  const text = fromUtf8(await source.required(HISTORY, MAX_HISTORY_BYTES));
  if (text === null) throw new FileProblem(HISTORY, "is not UTF-8");
  const periods = parseHistory(text);
  const known = byText(keys);
  for (const { key } of periods) {
    if (!known.has(key.text)) report.fail("keys", HISTORY, `no key that you trust vouches for ${key.text}`);
  }
  for (const { index, next, from } of rotations) {
    if (!periods.some((period) => sameKey(period.key, next) && period.from === BigInt(from))) {
      report.fail("keys", HISTORY, `lacks the change of entry ${index} to ${next.text}`);
    }
  }
  return periods.length;
}

/** Checks the payloads of one entry; answers how many there are. */
export async function checkOpenings(source: Source, path: string, index: number, size: number): Promise<number> {
  const shown = parseCanonical(await source.required(path, MAX_OPENING_BYTES));
  if (!Array.isArray(shown)) throw new Problem("is not a JSON array");
  if (index >= size) throw new Problem(`the log has no entry ${index}`);
  const entry = parseEntry(await source.entry(index, size));
  for (const item of shown) {
    const fields = exactly(item, ["index", "name", "payload", "salt"]);
    const salt = typeof fields.salt === "string" ? fromHex(fields.salt, 32) : null;
    const payload = typeof fields.payload === "string" ? fromBase64(fields.payload) : null;
    if (salt === null) throw new Problem("a salt is not 64 hexadecimal digits");
    if (payload === null) throw new Problem("a payload is not base64");
    if (fields.index !== index) throw new Problem(`is about entry ${String(fields.index)}`);
    const name = JSON.stringify(fields.name);
    const commitment = entry.commitments.find((one) => one.name === fields.name);
    if (commitment === undefined) throw new Problem(`entry ${index} has no commitment named ${excerpt(name)}`);
    const { digest, bucket } = commitment;
    if (!equal(digest, digestOf(salt, payload)) || bucket !== lengthBucket(payload.length)) {
      throw new Problem(`this is not what entry ${index} committed to as ${excerpt(name)}`);
    }
  }
  return shown.length;
}

export interface Proof {
  index: number;
  hashes: Bytes[];
  checkpoint: Checkpoint;
}

/** Reads a file in the format c2sp.org/tlog-proof@v1. */
export function parseProof(bytes: Bytes): Proof {
  const text = fromUtf8(bytes);
  if (text === null) throw new Problem("is not UTF-8");
  // The part before the checkpoint has no empty line, so the first one ends it.
  const blank = text.indexOf("\n\n");
  if (blank < 0) throw new Problem("has no empty line before its checkpoint");
  const lines = text.slice(0, blank).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1") throw new Problem("does not begin with c2sp.org/tlog-proof@v1");
  if (lines[0]?.startsWith("extra ")) {
    if (fromBase64(lines[0].slice(6)) === null) throw new Problem("its extra line is not base64");
    lines.shift();
  }
  const index = /^index /.test(lines[0] ?? "") ? count(lines[0].slice(6)) : null;
  if (index === null) throw new Problem("has no line 'index NUMBER'");
  const hashes = lines.slice(1).map((line, at) => {
    const hash = fromBase64(line);
    if (hash === null || hash.length !== 32) throw new Problem(`its hash ${at} is not the base64 of 32 bytes`);
    return hash;
  });
  if (hashes.length > MAX_PROOF_HASHES) throw new Problem(`has more than ${MAX_PROOF_HASHES} hashes`);
  return { index, hashes, checkpoint: parseCheckpoint(utf8(text.slice(blank + 2))) };
}

/** Checks all of a proof but the signatures of its checkpoint, which it answers. */
export async function checkProof(source: Source, path: string, index: number, head: Checkpoint): Promise<Checkpoint> {
  const { index: stated, hashes, checkpoint } = parseProof(await source.required(path, MAX_PROOF_BYTES));
  if (stated !== index || index >= head.size || checkpoint.origin !== head.origin) {
    throw new Problem("index or origin is not that of the file name and the log");
  }
  if (!(await isHeadOfLog(source, head, checkpoint))) {
    throw new Problem("its checkpoint is neither log/checkpoint nor one of log/checkpoints");
  }
  const leaf = leafHash(await source.entry(index, head.size));
  checkInclusion(leaf, index, checkpoint.size, hashes, checkpoint.root);
  return checkpoint;
}

async function isHeadOfLog(source: Source, head: Checkpoint, checkpoint: Checkpoint): Promise<boolean> {
  if (checkpoint.size === head.size) return equal(checkpoint.root, head.root);
  const path = `log/checkpoints/${checkpoint.size}`;
  if (!source.pack.members.has(path)) return false;
  return equal((await source.checkpoint(path)).root, checkpoint.root);
}

function digestOf(salt: Bytes, payload: Bytes): Bytes {
  return new Sha256().update(salt).update(payload).digest();
}
