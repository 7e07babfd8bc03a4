// The certificate of a token's signer: its names, its key, and that it serves for time-stamping alone.
//
// Must not judge who may issue it: that takes the certificates that an auditor trusts, which this page does not ask for.

import { type Bytes, Problem, equal, excerpt, fromUtf8 } from "./bytes.ts";
import { Fields, TAG, tagged } from "./der.ts";

const EXTENDED_KEY_USAGE = "2.5.29.37";
const KEY_USAGE = "2.5.29.15";
const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const COMMON_NAME = "2.5.4.3";

interface Extension {
  oid: string;
  critical: boolean;
  value: Bytes;
}

export interface Certificate {
  raw: Bytes;
  serial: Bytes;
  /** With tag and length. */
  issuer: Bytes;
  subject: Bytes;
  /** The public key as cryptography libraries take it. */
  publicKey: Bytes;
  extensions: Extension[];
}

export function parseCertificate(raw: Bytes): Certificate {
  const outer = Fields.ofSequence(raw, "certificate");
  const fields = outer.inside(TAG.sequence, "certificate");
  fields.optional(tagged(0)); // version
  const serial = fields.next(TAG.integer);
  fields.next(TAG.sequence); // signature algorithm
  const issuer = fields.any().raw;
  fields.next(TAG.sequence); // validity
  const subject = fields.next(TAG.sequence);
  const publicKey = fields.any().raw;
  const extensions: Extension[] = [];
  while (!fields.isEmpty()) {
    const { tag, content } = fields.any();
    if (tag !== tagged(3)) continue;
    const list = Fields.ofSequence(content, "certificate");
    while (!list.isEmpty()) {
      const extension = list.inside(TAG.sequence, "certificate");
      const oid = extension.oid();
      const critical = extension.optional(TAG.boolean);
      extensions.push({ oid, critical: critical !== null && critical[0] !== 0, value: extension.next(TAG.octets) });
    }
  }
  return { raw, serial, issuer, subject, publicKey, extensions };
}

function extension(certificate: Certificate, oid: string): Extension | null {
  const found = certificate.extensions.filter((one) => one.oid === oid);
  if (found.length > 1) throw new Problem("the signer's certificate has an extension twice");
  return found[0] ?? null;
}

export function keyIdentifier(certificate: Certificate): Bytes | null {
  const found = extension(certificate, SUBJECT_KEY_IDENTIFIER);
  return found === null ? null : new Fields(found.value, "key identifier").next(TAG.octets);
}

/** RFC 3161, section 2.3: the one purpose is time-stamping, and it is critical; the key may sign. */
export function checkPurpose(certificate: Certificate): void {
  const purposes = extension(certificate, EXTENDED_KEY_USAGE);
  const list = purposes === null ? null : Fields.ofSequence(purposes.value, "purposes");
  const only = list !== null && list.oid() === TIME_STAMPING && list.isEmpty();
  if (!only || !purposes?.critical) {
    throw new Problem("the signer's certificate is not one for time-stamping alone");
  }
  const usage = extension(certificate, KEY_USAGE);
  if (usage === null) return;
  // A bit string: the number of unused bits, then the bits, of which the first two are for signatures.
  const bits = new Fields(usage.value, "key usage").next(0x03);
  if (((bits[1] ?? 0) & 0xc0) === 0) throw new Problem("the key of the signer's certificate may not sign");
}

/** What the subject is called, for people. */
export function authorityName(certificate: Certificate): string {
  const names = new Fields(certificate.subject, "subject");
  let name = "an authority without a name";
  while (!names.isEmpty()) {
    const set = names.inside(TAG.set, "subject");
    while (!set.isEmpty()) {
      const pair = set.inside(TAG.sequence, "subject");
      if (pair.oid() === COMMON_NAME) name = fromUtf8(pair.any().content) ?? name;
    }
  }
  return excerpt(name);
}

export function isNamed(certificate: Certificate, issuer: Bytes, serial: Bytes): boolean {
  return equal(certificate.issuer, issuer) && equal(certificate.serial, serial);
}
