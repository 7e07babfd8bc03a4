// Bytes, hexadecimal, base64, UTF-8 and decimal numbers, each with one spelling only.
//
// Must not be lenient: two texts for one value would let a pack say the same thing in two ways, of which a reader
// and this page might see different ones.

export type Bytes = Uint8Array<ArrayBuffer>;

/** What is wrong, without where: whoever asked knows the place. */
export class Problem extends Error {}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_VALUE = new Int16Array(128).fill(-1);
for (let at = 0; at < BASE64.length; at += 1) BASE64_VALUE[BASE64.charCodeAt(at)] = at;

const encoder = new TextEncoder();
// A mark of byte order at the beginning is content like any other, and JSON has none.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** The text of bytes; null if they are not UTF-8. */
export function fromUtf8(bytes: Bytes): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Length of a text in bytes of UTF-8. */
export function byteLength(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}

/** Bytes of hexadecimal digits of either case; null if they are not, or not as many bytes. */
export function fromHex(text: string, bytes: number): Bytes | null {
  if (text.length !== 2 * bytes || !/^[0-9a-fA-F]*$/.test(text)) return null;
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 1) out[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return out;
}

/** A SHA-256 as 64 lower-case digits; null for every other spelling. */
export function hashFromHex(text: unknown): Bytes | null {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text) ? fromHex(text, 32) : null;
}

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const word = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += BASE64[word >> 18] + BASE64[(word >> 12) & 63];
    text += (left > 1 ? BASE64[(word >> 6) & 63] : "=") + (left > 2 ? BASE64[word & 63] : "=");
  }
  return text;
}

/** Bytes of padded standard base64 without spaces and without stray bits; null for anything else. */
export function fromBase64(text: string): Bytes | null {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const out = new Uint8Array((text.length / 4) * 3 - padding);
  let [written, word, bits] = [0, 0, 0];
  for (let at = 0; at < text.length - padding; at += 1) {
    const code = text.charCodeAt(at);
    const value = code < 128 ? BASE64_VALUE[code] : -1;
    if (value < 0) return null;
    word = ((word << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[written] = (word >> bits) & 0xff;
      written += 1;
    }
  }
  // What is left over must be zero, or two texts would stand for the same bytes.
  return (word & ((1 << bits) - 1)) === 0 ? out : null;
}

/** A decimal number below 2^64 in its shortest form; null for anything else. */
export function decimal(text: string): bigint | null {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return null;
  const value = BigInt(text);
  return value < 1n << 64n ? value : null;
}

/** As `decimal`, for counts that this page calculates with: up to 2^53-1. */
export function count(text: string): number | null {
  const value = decimal(text);
  return value === null || value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
}

/** A text shortened for a message. */
export function excerpt(text: string): string {
  const characters = [...text.slice(0, 400)];
  return characters.length <= 80 ? text : `${characters.slice(0, 80).join("")}…`;
}
