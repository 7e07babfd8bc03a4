// Signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint).
//
// Must not decide which key counts. A signature that names a known key and does not verify refuses the whole note;
// signatures of unknown keys are passed over.

import { type Bytes, Problem, concat, count, equal, excerpt, fromBase64, fromUtf8, hex, utf8 } from "./bytes.ts";
import { type Key, isName, sameKey, verifyMessage } from "./key.ts";
import { EMPTY_ROOT } from "./merkle.ts";

export const MAX_NOTE_BYTES = 1 << 20;
const MAX_SIGNATURES = 100;
/** An em dash and a space begin a signature line. */
const MARK = "\u2014 ";

export interface Signature {
  name: string;
  id: string;
  bytes: Bytes;
}

export interface Note {
  /** What is signed, with its last line end. */
  text: string;
  signatures: Signature[];
}

export interface Verified {
  key: Key;
  /** Seconds since 1970 at which a witness cosigned; null for a log's key. */
  time: bigint | null;
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Bytes;
  note: Note;
}

export function parseNote(bytes: Bytes): Note {
  if (bytes.length > MAX_NOTE_BYTES) throw new Problem(`the note has ${bytes.length} bytes, at most 1048576 are read`);
  const whole = fromUtf8(bytes);
  if (whole === null) throw new Problem("the note is not UTF-8");
  if (/[\u0000-\u0009\u000b-\u001f]/.test(whole)) throw new Problem("the note has a control character");
  const blank = whole.lastIndexOf("\n\n");
  if (blank < 0) throw new Problem("the note has no empty line before its signatures");
  const [text, tail] = [whole.slice(0, blank + 1), whole.slice(blank + 2)];
  if (!tail.endsWith("\n")) throw new Problem("the note does not end in a signature line");
  const lines = tail.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw new Problem(`the note has more than ${MAX_SIGNATURES} signatures`);
  return { text, signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): Signature {
  const space = line.indexOf(" ", MARK.length);
  const name = line.slice(MARK.length, space);
  const bytes = line.startsWith(MARK) && space > 0 && isName(name) ? fromBase64(line.slice(space + 1)) : null;
  if (bytes === null || bytes.length <= 4) {
    throw new Problem(`the signature line ${JSON.stringify(excerpt(line))} is not '\u2014 name base64'`);
  }
  return { name, id: hex(bytes.subarray(0, 4)), bytes: bytes.slice(4) };
}

/** Checks every signature of a known key; each such key once, in the order of the lines. None may have signed. */
export async function verifyNote(note: Note, known: readonly Key[]): Promise<Verified[]> {
  const verified: Verified[] = [];
  for (const signature of note.signatures) {
    const matching = known.filter((key) => key.name === signature.name && key.id === signature.id);
    const [key] = matching;
    if (key === undefined) continue;
    if (matching.some((other) => !sameKey(other, key))) {
      throw new Problem(`two of the known keys are named ${excerpt(key.name)}+${key.id}; give only the right one`);
    }
    const time = await checkSignature(note.text, signature, key);
    if (!verified.some((other) => sameKey(other.key, key))) verified.push({ key, time });
  }
  return verified;
}

async function checkSignature(text: string, signature: Signature, key: Key): Promise<bigint | null> {
  let [message, bytes, time] = [utf8(text), signature.bytes, null as bigint | null];
  if (key.kind === "cosignature") {
    // The time stands before the signature, and is signed with the text.
    time = bytes.length === 72 ? new DataView(bytes.buffer).getBigUint64(0) : 0n;
    message = concat(utf8(`cosignature/v1\ntime ${time}\n`), message);
    bytes = bytes.slice(8);
  }
  const inRange = time === null || (time > 0n && time < 1n << 63n);
  if (!inRange || !(await verifyMessage(key, message, bytes))) {
    const name = `${excerpt(key.name)}+${key.id}`;
    throw new Problem(`the signature by the known key ${name} does not verify: the text was changed or forged`);
  }
  return time;
}

/** Reads a checkpoint; no signature is checked. */
export function parseCheckpoint(bytes: Bytes): Checkpoint {
  const note = parseNote(bytes);
  const lines = note.text.slice(0, -1).split("\n");
  if (lines.length < 3 || lines.includes("")) {
    throw new Problem("a checkpoint has lines for origin, size and root, and no empty line");
  }
  const size = count(lines[1]);
  if (size === null) throw new Problem(`${JSON.stringify(excerpt(lines[1]))} is not a size that a log can have`);
  const root = fromBase64(lines[2]);
  if (root === null || root.length !== 32) throw new Problem("the root is not the base64 of 32 bytes");
  if (size === 0 && !equal(root, EMPTY_ROOT)) throw new Problem("a log without entries has another root");
  return { origin: lines[0], size, root, note };
}

/** The keys that may sign for an origin. */
export function logKeys(keys: readonly Key[], origin: string): Key[] {
  return keys.filter((key) => key.kind === "note" && key.name === origin);
}

/** Checks that a key of the log signed; answers those that did. */
export async function verifyCheckpoint(checkpoint: Checkpoint, keys: readonly Key[]): Promise<Verified[]> {
  const verified = await verifyNote(checkpoint.note, logKeys(keys, checkpoint.origin));
  if (verified.length > 0) return verified;
  const names = checkpoint.note.signatures.map(({ name, id }) => `${name}+${id}`);
  throw new Problem(`no signature by a key that you trust; it is signed by: ${excerpt(names.join(", "))}`);
}
