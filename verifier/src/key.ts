// Ed25519 keys in the text form of signed-note ("vkey"), and their signatures, which the browser's own cryptography
// checks.
//
// Must not take a key from a pack as trusted: whoever calls says which keys count.

import { type Bytes, Problem, byteLength, concat, equal, excerpt, fromBase64, hex, utf8 } from "./bytes.ts";
import { isUsablePoint } from "./point.ts";
import { sha256 } from "./sha256.ts";

const MAX_NAME = 1024;

/** 0x01 signs the text of a note; 0x04 cosigns a checkpoint with a time. */
export type Kind = "note" | "cosignature";
const KINDS: ReadonlyMap<number, Kind> = new Map([[0x01, "note"], [0x04, "cosignature"]]);

export interface Key {
  name: string;
  /** Eight hexadecimal digits. They find a key and prove nothing. */
  id: string;
  kind: Kind;
  point: Bytes;
  /** The key as it was written. There is one way to write it. */
  text: string;
}

/** The browser cannot check Ed25519 signatures. */
export class NoEd25519 extends Error {}

/** Whether a name can stand in a vkey and in a signature line. */
export function isName(name: string): boolean {
  return name !== "" && byteLength(name) <= MAX_NAME && !/[\p{White_Space}\u0000-\u001f+]/u.test(name);
}

/** Reads `name+id+base64`. The identifier must be the one of the key. */
export function parseKey(text: string): Key {
  // Base64 may hold plus signs, so the first two are the separators.
  const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text) ?? [];
  const material = encoded === undefined ? null : fromBase64(encoded);
  if (!isName(name ?? "") || material === null || material.length === 0) {
    throw new Problem(`${JSON.stringify(excerpt(text))} is not a verification key: expected name+8 digits+base64`);
  }
  const kind = KINDS.get(material[0]);
  if (kind === undefined) throw new Problem(`key ${excerpt(name)} is of a type that is not handled here`);
  const point = material.slice(1);
  if (point.length !== 32) throw new Problem(`key ${excerpt(name)} has ${point.length} bytes, not 32`);
  const computed = hex(sha256(concat(utf8(`${name}\n`), material)).subarray(0, 4));
  if (computed !== id) {
    throw new Problem(`key ${excerpt(name)} says identifier ${excerpt(id)}, but its bytes give ${computed}`);
  }
  if (!isUsablePoint(point)) throw new Problem(`key ${excerpt(name)} is not a valid Ed25519 public key`);
  return { name, id, kind, point, text };
}

/** Whether the signature is one of this key over these bytes. */
export async function verifyMessage(key: Key, message: Bytes, signature: Bytes): Promise<boolean> {
  // A commitment of small order lets one signature pass for many messages.
  if (signature.length !== 64 || !isUsablePoint(signature.slice(0, 32))) return false;
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) throw new NoEd25519("this browser gives pages from disk no cryptography");
  let imported: CryptoKey;
  try {
    imported = await subtle.importKey("raw", key.point, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    throw new NoEd25519("this browser does not know Ed25519");
  }
  return subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

/** Why this browser cannot check signatures; null if it can. Asked with the first example of RFC 8032. */
export async function missingEd25519(): Promise<string | null> {
  const point = fromBase64("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  const signature = fromBase64(
    "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==",
  );
  if (point === null || signature === null) return "the example of RFC 8032 cannot be read";
  try {
    const key: Key = { name: "example", id: "", kind: "note", point, text: "" };
    const nothing = new Uint8Array(0);
    if (!(await verifyMessage(key, nothing, signature))) return "this browser refuses a right signature";
    signature[40] ^= 1;
    return (await verifyMessage(key, nothing, signature)) ? "this browser accepts a wrong signature" : null;
  } catch (error) {
    if (error instanceof NoEd25519) return error.message;
    throw error;
  }
}

export function sameKey(one: Key, other: Key): boolean {
  return one.text === other.text && equal(one.point, other.point);
}
