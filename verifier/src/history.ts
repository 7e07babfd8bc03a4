// The keys of a log over time: statements of a change of keys, and the key history file.
//
// Must not trust a key by itself: a change counts only if the old and the new key both signed the same statement.

import { Problem, decimal, excerpt, fromBase64, utf8 } from "./bytes.ts";
import { type Fields, exactly, isCount } from "./json.ts";
import { type Key, parseKey, sameKey, verifyMessage } from "./key.ts";

export const MAX_HISTORY_BYTES = 4 << 20;
const MAX_KEYS = 1024;

export interface Rotation {
  /** Entry that states it. */
  index: number;
  old: Key;
  next: Key;
  /** First size that the new key signs. */
  from: number;
}

/** Reads and checks the statement of an entry of type ledger.key_rotated. */
export async function readRotation(index: number, data: Fields, origin: string): Promise<Rotation> {
  const members = ["from_size", "new_signature", "new_vkey", "old_signature", "old_vkey", "origin"];
  const fields = exactly(data, members);
  const { from_size: from, new_signature, new_vkey, old_signature, old_vkey } = fields;
  const texts = [new_signature, new_vkey, old_signature, old_vkey, fields.origin];
  if (texts.some((text) => typeof text !== "string") || !isCount(from)) {
    throw new Problem("key rotation: a member has the wrong type");
  }
  const [old, next] = [parseKey(old_vkey as string), parseKey(new_vkey as string)];
  const belongs = (key: Key) => key.kind === "note" && key.name === fields.origin;
  if (!belongs(old) || !belongs(next) || sameKey(old, next)) {
    throw new Problem(`key rotation: needs two different log keys of ${excerpt(fields.origin as string)}`);
  }
  const statement = utf8(
    `comptroller-key-rotation/v1\norigin ${fields.origin}\nold ${old_vkey}\nnew ${new_vkey}\nfrom ${from}\n`,
  );
  for (const [which, key, text] of [["old", old, old_signature], ["new", next, new_signature]] as const) {
    const signature = fromBase64(text as string);
    if (signature === null || !(await verifyMessage(key, statement, signature))) {
      throw new Problem(`key rotation: the statement is not signed by the ${which} key`);
    }
  }
  if (fields.origin !== origin) {
    throw new Problem(`rotates a key of ${excerpt(fields.origin as string)}, not of this log`);
  }
  return { index, old, next, from };
}

/** The given keys, and those that one of them handed over to. Trust goes forward: a retired key cannot speak again. */
export function successors(rotations: readonly Rotation[], given: readonly Key[]): Key[] {
  const trusted = byText(given);
  for (const { old, next } of rotations) {
    if (trusted.has(old.text)) trusted.set(next.text, next);
  }
  return [...trusted.values()];
}

/** Also the keys that handed over to a trusted one: for heads whose root the entries under a trusted head give. */
export function everyKey(rotations: readonly Rotation[], given: readonly Key[]): Key[] {
  const known = byText(successors(rotations, given));
  for (const { old, next } of [...rotations].reverse()) {
    if (known.has(next.text)) known.set(old.text, old);
  }
  return [...known.values()];
}

/** Keys by their text, of which each has one. */
export function byText(keys: readonly Key[]): Map<string, Key> {
  return new Map(keys.map((key) => [key.text, key]));
}

export interface Period {
  key: Key;
  from: bigint;
}

/** Reads keys/history. */
export function parseHistory(text: string): Period[] {
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  if (lines[0] !== "comptroller-key-history/v1") {
    throw new Problem("the first line of a key history is 'comptroller-key-history/v1'");
  }
  if (lines.length < 2 || lines.length > MAX_KEYS + 1) {
    throw new Problem(`a key history has 1 to ${MAX_KEYS} keys, this has ${lines.length - 1}`);
  }
  const periods: Period[] = [];
  for (const [at, line] of lines.slice(1).entries()) {
    const [, vkey, first, last] = /^key ([^ ]+) from ([0-9]+)(?: until ([0-9]+))?$/.exec(line) ?? [];
    const from = decimal(first ?? "");
    const until = last === undefined ? null : decimal(last);
    const refused = new Problem(`line ${at + 2}: expected 'key <vkey> from <size> [until <size>]' in rising order`);
    if (from === null || (last !== undefined && (until === null || until <= from))) throw refused;
    const key = parseKey(vkey);
    if (periods.some((other) => other.from > from || sameKey(other.key, key))) throw refused;
    periods.push({ key, from });
  }
  return periods;
}
