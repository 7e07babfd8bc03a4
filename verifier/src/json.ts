// Canonical JSON (RFC 8785), and objects that have exactly the members they may have.

import { type Bytes, Problem, fromUtf8 } from "./bytes.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Fields = { [name: string]: Json };

/** Levels of arrays and objects that are followed. */
const MAX_DEPTH = 64;

/** Half of a surrogate pair: no text can hold it, and yet JSON can write it. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;

/** Reads JSON that is written in the one way that its writer writes it: nothing can be in it twice. */
export function parseCanonical(bytes: Bytes): Json {
  const text = fromUtf8(bytes);
  if (text === null) throw new Problem("is not UTF-8");
  const value = parseText(text);
  if (canonical(value) !== text) throw new Problem("is not in canonical form (RFC 8785)");
  return value;
}

export function parseText(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new Problem("is not JSON");
  }
}

/** The one way to write a value. What repeats a member, spaces or spells a number otherwise is written otherwise. */
export function canonical(value: Json, depth = 0): string {
  if (depth > MAX_DEPTH) throw new Problem("is nested too deep");
  if (typeof value === "string") return canonicalText(value);
  // The standard takes its numbers from the language of this file.
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth + 1)).join(",")}]`;
  // It also sorts as this language does: by UTF-16 units.
  const names = Object.keys(value).sort();
  const members = names.map((name) => `${canonicalText(name)}:${canonical(value[name], depth + 1)}`);
  return `{${members.join(",")}}`;
}

function canonicalText(text: string): string {
  if (LONE_SURROGATE.test(text)) throw new Problem("has half a character (a lone surrogate)");
  return JSON.stringify(text);
}

export function isFields(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Checks that a value is an object with these members, and no others than these and the optional ones. */
export function exactly(value: Json, members: readonly string[], optional: readonly string[] = []): Fields {
  if (!isFields(value)) throw new Problem("is not a JSON object");
  const missing = members.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw new Problem(`lacks the member ${missing}`);
  const extra = Object.keys(value).find((name) => !members.includes(name) && !optional.includes(name));
  if (extra !== undefined) throw new Problem(`has a member that it may not have: ${JSON.stringify(extra.slice(0, 80))}`);
  return value;
}

/** A whole number from 0 to 2^53-1. */
export function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A whole number within 2^53-1 on both sides. */
export function isInteger(value: Json | undefined): value is number {
  return Number.isSafeInteger(value);
}
