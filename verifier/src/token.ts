// A time-stamp token taken apart: CMS SignedData (RFC 5652) around a TSTInfo (RFC 3161, section 2.4.2).
//
// Checks the form only.

import { type Bytes, Problem } from "./bytes.ts";
import { Fields, TAG, tagged, taggedPrimitive } from "./der.ts";

export const MAX_TOKEN_BYTES = 64 << 10;
const MAX_CERTIFICATES = 16;
const SIGNED_DATA = "1.2.840.113549.1.7.2";
export const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const SHA_256 = "2.16.840.1.101.3.4.2.1";

/** What the authority states. */
export interface Info {
  /** SHA-256 of what was stamped. */
  imprint: Bytes;
  serial: Bytes;
  /** Microseconds since 1970 UTC. */
  time: number;
  /** How far the time may be off, in microseconds; 0 if the authority does not say. */
  accuracy: number;
}

/** How the one signature names its certificate: issuer (with tag and length) and serial number, or key identifier. */
export type SignerId = { issuer: Bytes; serial: Bytes } | { identifier: Bytes };

export interface Signer {
  id: SignerId;
  hash: string;
  /** The signed attributes with the tag that they have in the token. */
  attributes: Bytes;
  algorithm: string;
  signature: Bytes;
}

export interface Token {
  certificates: Bytes[];
  /** The TSTInfo as it was hashed for the signature. */
  content: Bytes;
  info: Info;
  signer: Signer;
}

export function parseToken(bytes: Bytes): Token {
  const outer = Fields.ofSequence(bytes, "token");
  if (outer.oid() !== SIGNED_DATA) throw outer.problem("is not signed data");
  const fields = Fields.ofSequence(outer.next(tagged(0)), "token");
  outer.end();
  fields.next(TAG.integer); // version
  fields.next(TAG.set); // hash algorithms, which the signer names again
  const wrapped = fields.inside(TAG.sequence, "content");
  if (wrapped.oid() !== TST_INFO) throw wrapped.problem("is no time-stamp");
  const octets = wrapped.inside(tagged(0), "content");
  const content = octets.next(TAG.octets);
  octets.end();
  wrapped.end();
  const certificates: Bytes[] = [];
  const set = fields.optional(tagged(0));
  if (set !== null) {
    const list = new Fields(set, "certificates");
    while (!list.isEmpty()) certificates.push(list.any().raw);
    if (certificates.length > MAX_CERTIFICATES) throw list.problem(`are more than ${MAX_CERTIFICATES}`);
  }
  fields.optional(tagged(1)); // revocation lists
  const signers = fields.inside(TAG.set, "signatures");
  fields.end();
  const signer = parseSigner(signers.inside(TAG.sequence, "signature"));
  // RFC 3161 allows the signature of the authority and no other.
  signers.end();
  return { certificates, content, info: parseInfo(content), signer };
}

function parseSigner(fields: Fields): Signer {
  fields.next(TAG.integer); // version
  const identifier = fields.optional(taggedPrimitive(0));
  let id: SignerId;
  if (identifier !== null) {
    id = { identifier };
  } else {
    const names = fields.inside(TAG.sequence, "signer");
    id = { issuer: names.any().raw, serial: names.next(TAG.integer) };
    names.end();
  }
  const hash = fields.algorithm("hash algorithm");
  const attributes = fields.any();
  if (attributes.tag !== tagged(0)) throw fields.problem("has no signed attributes");
  const algorithm = fields.algorithm("signature algorithm");
  const signature = fields.next(TAG.octets);
  fields.optional(tagged(1)); // unsigned attributes
  fields.end();
  return { id, hash, attributes: attributes.raw, algorithm, signature };
}

function parseInfo(bytes: Bytes): Info {
  const fields = Fields.ofSequence(bytes, "time-stamp");
  const version = fields.next(TAG.integer);
  if (version.length !== 1 || version[0] !== 1) throw fields.problem("is not version 1");
  fields.oid(); // policy
  const imprint = fields.inside(TAG.sequence, "imprint");
  if (imprint.algorithm("imprint") !== SHA_256) throw new Problem("it is by another hash than SHA-256");
  const hash = imprint.next(TAG.octets);
  imprint.end();
  const serial = fields.next(TAG.integer);
  const time = micros(String.fromCharCode(...fields.next(TAG.time)));
  if (time === null) throw fields.problem("its time is none that RFC 3161 writes");
  const stated = fields.optional(TAG.sequence);
  const accuracy = stated === null ? 0 : readAccuracy(new Fields(stated, "accuracy"));
  fields.optional(TAG.boolean); // ordering
  fields.optional(TAG.integer); // nonce
  fields.optional(tagged(0)); // the authority's name, which its certificate states too
  fields.optional(tagged(1)); // extensions
  fields.end();
  return { imprint: hash, serial, time, accuracy };
}

function readAccuracy(fields: Fields): number {
  const seconds = fields.small(TAG.integer) ?? 0;
  const millis = fields.small(taggedPrimitive(0)) ?? 0;
  const parts = fields.small(taggedPrimitive(1)) ?? 0;
  fields.end();
  if (seconds > 2 ** 30 || millis > 999 || parts > 999) throw fields.problem("is out of range");
  return seconds * 1_000_000 + millis * 1_000 + parts;
}

/** `YYYYMMDDhhmmss[.f...]Z` in microseconds since 1970 UTC; the fraction has no zero at its end (RFC 3161). */
export function micros(text: string): number | null {
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d*[1-9]))?Z$/.exec(text);
  if (parts === null) return null;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  const moment = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // A date that does not exist is moved on to one that does.
  const same = moment.getUTCFullYear() === year && moment.getUTCMonth() === month - 1 && moment.getUTCDate() === day;
  if (!same || hour > 23 || minute > 59 || second > 59 || year < 1970) return null;
  // Finer than a microsecond is left out, so that the time is never too late.
  const fraction = Number((parts[7] ?? "").padEnd(6, "0").slice(0, 6));
  return moment.getTime() * 1000 + fraction;
}
