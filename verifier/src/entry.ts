// One entry of the log: its form, and that it is written in the one way that an entry is written.

import { type Bytes, Problem, byteLength, excerpt, fromUtf8, hashFromHex } from "./bytes.ts";
import { type Fields, type Json, canonical, exactly, isCount, isFields, isInteger, parseText } from "./json.ts";

const MAX_TEXT = 512;
const MAX_DATA_DEPTH = 32;
const MIN_BUCKET = 64;

export interface Commitment {
  name: string;
  digest: Bytes;
  bucket: number;
}

export interface Entry {
  org: string;
  stream: string;
  sequence: number;
  kind: string;
  recordedAt: number;
  data: Fields;
  commitments: Commitment[];
}

const MEMBERS = [
  "actor", "commitments", "data", "occurred_at", "org", "recorded_at", "stream", "stream_seq", "subjects", "type", "v",
];

/** Reads an entry. Anything but the canonical form of a well-formed entry is refused. */
export function parseEntry(bytes: Bytes): Entry {
  const text = fromUtf8(bytes);
  if (text === null) throw new Problem("is not UTF-8");
  const entry = exactly(parseText(text), MEMBERS, ["idempotency_key"]);
  if (entry.v !== 1) throw new Problem(`has version ${String(entry.v)}, not 1: use a newer verifier`);
  if (typeof entry.org !== "string" || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(entry.org)) {
    throw new Problem("org is not a lower-case UUID");
  }
  for (const name of ["stream", "type", "actor"]) checkText(name, entry[name]);
  if (Object.hasOwn(entry, "idempotency_key")) checkText("idempotency_key", entry.idempotency_key);
  if (!Array.isArray(entry.subjects)) throw new Problem("subjects is not an array");
  for (const subject of entry.subjects) checkText("subjects", subject);
  if (!isCount(entry.stream_seq)) throw new Problem("stream_seq is not a whole number from 0 to 2^53-1");
  if (!isInteger(entry.occurred_at) || !isInteger(entry.recorded_at)) {
    throw new Problem("a time is not a whole number within 2^53-1");
  }
  const { data } = entry;
  if (!isFields(data)) throw new Problem("data is not a JSON object");
  checkValue(data, 0);
  const commitments = readCommitments(entry.commitments);
  // Repeated members, spaces, another order and other spellings of numbers and texts all fail here.
  if (canonical(entry) !== text) throw new Problem("is not in canonical form (RFC 8785)");
  return {
    org: entry.org,
    stream: entry.stream as string,
    sequence: entry.stream_seq,
    kind: entry.type as string,
    recordedAt: entry.recorded_at,
    data,
    commitments,
  };
}

function checkText(name: string, value: Json): asserts value is string {
  if (typeof value !== "string") throw new Problem(`${name} is not a text`);
  const length = byteLength(value);
  if (length === 0 || length > MAX_TEXT) throw new Problem(`${name} must have 1 to ${MAX_TEXT} bytes, has ${length}`);
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) throw new Problem(`${name} has a control character`);
}

/** Numbers that every reader keeps exact, and no deeper nesting than an entry may have. */
function checkValue(value: Json, depth: number): void {
  if (depth > MAX_DATA_DEPTH) throw new Problem(`data is nested deeper than ${MAX_DATA_DEPTH} levels`);
  if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw new Problem(`data has the number ${value}, which is beyond 2^53-1`);
  }
  if (typeof value === "object" && value !== null) {
    for (const item of Array.isArray(value) ? value : Object.values(value)) checkValue(item, depth + 1);
  }
}

function readCommitments(value: Json): Commitment[] {
  if (!Array.isArray(value)) throw new Problem("commitments is not an array");
  const found: Commitment[] = [];
  for (const item of value) {
    const fields = exactly(item, ["digest", "length_bucket", "media_type", "name"]);
    checkText("commitments.name", fields.name);
    checkText("commitments.media_type", fields.media_type);
    const { name, length_bucket: bucket } = fields;
    const digest = hashFromHex(fields.digest);
    if (digest === null) throw new Problem("a commitment's digest is not 64 lower-case hexadecimal digits");
    if (!isCount(bucket) || bucket < MIN_BUCKET || bucket !== lengthBucket(bucket)) {
      throw new Problem("a commitment's length_bucket is not a power of two from 64");
    }
    if (found.some((other) => other.name === name)) {
      throw new Problem(`the commitment ${JSON.stringify(excerpt(name))} is there twice`);
    }
    found.push({ name, digest, bucket });
  }
  return found;
}

/** The length that a payload of so many bytes is rounded up to. */
export function lengthBucket(bytes: number): number {
  let bucket = MIN_BUCKET;
  while (bucket < bytes) bucket *= 2;
  return bucket;
}
