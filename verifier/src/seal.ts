// The signature of a time-stamp token: made by the certificate that its signed attributes name (RFC 5652, section 5.4
// and 5.6; RFC 5035; RFC 5816).
//
// Must not say who stands behind the certificate: anybody can make one. What is outside the signature proves nothing,
// so the certificate must be the one that the signature itself names.

import { type Bytes, Problem, concat, equal } from "./bytes.ts";
import { type Certificate, checkPurpose, isNamed, keyIdentifier, parseCertificate } from "./certificate.ts";
import { Fields, TAG, tagged } from "./der.ts";
import { TST_INFO, type Signer, type Token } from "./token.ts";

const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
const SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";

const HASHES: ReadonlyMap<string, string> = new Map([
  ["2.16.840.1.101.3.4.2.1", "SHA-256"],
  ["2.16.840.1.101.3.4.2.2", "SHA-384"],
  ["2.16.840.1.101.3.4.2.3", "SHA-512"],
]);
/** SHA-1 may name a certificate, as the older attribute does. Nothing is signed over it. */
const NAMING_HASHES: ReadonlyMap<string, string> = new Map([...HASHES, ["1.3.14.3.2.26", "SHA-1"]]);

/** Signature algorithms, and the hash that each is for; RSA alone takes the hash that the signer names. */
const ALGORITHMS: ReadonlyMap<string, { kind: "RSA" | "ECDSA"; hash: string | null }> = new Map([
  ["1.2.840.113549.1.1.1", { kind: "RSA", hash: null }],
  ["1.2.840.113549.1.1.11", { kind: "RSA", hash: "SHA-256" }],
  ["1.2.840.113549.1.1.12", { kind: "RSA", hash: "SHA-384" }],
  ["1.2.840.113549.1.1.13", { kind: "RSA", hash: "SHA-512" }],
  ["1.2.840.10045.4.3.2", { kind: "ECDSA", hash: "SHA-256" }],
  ["1.2.840.10045.4.3.3", { kind: "ECDSA", hash: "SHA-384" }],
]);
const CURVES: ReadonlyMap<string, { name: string; bytes: number }> = new Map([
  ["1.2.840.10045.3.1.7", { name: "P-256", bytes: 32 }],
  ["1.3.132.0.34", { name: "P-384", bytes: 48 }],
]);

/** Checks the token's signature; answers the certificate that made it. */
export async function checkSeal(token: Token): Promise<Certificate> {
  const certificate = await signerCertificate(token);
  checkPurpose(certificate);
  const { signer } = token;
  const kind = attribute(signer, CONTENT_TYPE);
  if (kind === null || new Fields(kind, "content type").oid() !== TST_INFO) {
    throw new Problem("the signed attributes are not those of a time-stamp");
  }
  const hash = HASHES.get(signer.hash);
  if (hash === undefined) throw new Problem(`the hash algorithm ${signer.hash} is not taken`);
  const stated = attribute(signer, MESSAGE_DIGEST);
  if (stated === null) throw new Problem("the signature does not cover the content");
  if (!equal(new Fields(stated, "message digest").next(TAG.octets), await digest(hash, token.content))) {
    throw new Problem("the content is not the one that was signed");
  }
  // Attributes are signed as the SET that they are, and sent with a tag of their own.
  const message = concat(new Uint8Array([TAG.set]), signer.attributes.subarray(1));
  if (!(await isSigned(certificate, signer, hash, message))) {
    throw new Problem("the signature is wrong, or by an algorithm that does not fit the key");
  }
  return certificate;
}

async function signerCertificate(token: Token): Promise<Certificate> {
  for (const raw of token.certificates) {
    let certificate: Certificate;
    try {
      certificate = parseCertificate(raw);
    } catch (error) {
      // Other forms than X.509 certificates are not those of an authority.
      if (error instanceof Problem) continue;
      throw error;
    }
    const { id } = token.signer;
    const found = "identifier" in id ? keyIdentifier(certificate) : null;
    const named =
      "identifier" in id ? found !== null && equal(found, id.identifier) : isNamed(certificate, id.issuer, id.serial);
    if (named) {
      await checkNamed(token.signer, certificate);
      return certificate;
    }
  }
  throw new Problem("the signer's certificate is not in the token");
}

/** The attribute that names the certificate, in either or both of its forms. */
async function checkNamed(signer: Signer, certificate: Certificate): Promise<void> {
  const part = "signing certificate attribute";
  let forms = 0;
  for (const oid of [SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2]) {
    const value = attribute(signer, oid);
    if (value === null) continue;
    forms += 1;
    // The first certificate is the signer's; those behind it are of its chain.
    const first = Fields.ofSequence(value, part).inside(TAG.sequence, part).inside(TAG.sequence, part);
    const hash = oid === SIGNING_CERTIFICATE ? "SHA-1" : namingHash(first);
    if (!equal(first.next(TAG.octets), await digest(hash, certificate.raw))) {
      throw new Problem("the signature names another certificate");
    }
    const pair = first.optional(TAG.sequence);
    if (pair === null) continue;
    const names = new Fields(pair, part);
    const issuer = names.inside(TAG.sequence, part).next(tagged(4));
    if (!isNamed(certificate, issuer, names.next(TAG.integer))) {
      throw new Problem("the signature names another issuer or serial number");
    }
  }
  if (forms === 0) throw new Problem("the signature does not name its certificate");
}

/** SHA-256 unless another one is written. */
function namingHash(first: Fields): string {
  const value = first.optional(TAG.sequence);
  if (value === null) return "SHA-256";
  const fields = new Fields(value, "hash algorithm");
  const hash = NAMING_HASHES.get(fields.oid());
  fields.optional(TAG.null);
  fields.end();
  if (hash === undefined) throw new Problem("the hash that names the certificate is not taken");
  return hash;
}

/** The value of a signed attribute: it stands once, with one value. */
function attribute(signer: Signer, oid: string): Bytes | null {
  const list = new Fields(new Fields(signer.attributes, "signed attributes").next(tagged(0)), "signed attributes");
  let found: Bytes | null = null;
  while (!list.isEmpty()) {
    const fields = list.inside(TAG.sequence, "signed attributes");
    if (fields.oid() !== oid) continue;
    const values = fields.inside(TAG.set, "signed attributes");
    if (found !== null) throw list.problem(`${oid} stands twice`);
    found = values.any().raw;
    values.end();
  }
  return found;
}

async function isSigned(certificate: Certificate, signer: Signer, hash: string, message: Bytes): Promise<boolean> {
  const algorithm = ALGORITHMS.get(signer.algorithm);
  if (algorithm === undefined || (algorithm.hash ?? hash) !== hash) {
    throw new Problem(`the signature algorithm ${signer.algorithm} with ${hash} is not taken`);
  }
  const { subtle } = globalThis.crypto;
  const spki = certificate.publicKey;
  try {
    if (algorithm.kind === "RSA") {
      const rsa = { name: "RSASSA-PKCS1-v1_5", hash };
      const key = await subtle.importKey("spki", spki, rsa, false, ["verify"]);
      // Shorter keys are too weak for what a time-stamp is kept for.
      const bits = (key.algorithm as RsaHashedKeyAlgorithm).modulusLength;
      return bits >= 2048 && bits <= 8192 && (await subtle.verify(rsa.name, key, signer.signature, message));
    }
    const named = Fields.ofSequence(spki, "public key").inside(TAG.sequence, "public key");
    named.oid();
    const curve = CURVES.get(named.oid());
    if (curve === undefined) throw new Problem("the curve of the signer's key is not taken");
    const ecdsa = { name: "ECDSA", namedCurve: curve.name, hash };
    const key = await subtle.importKey("spki", spki, ecdsa, false, ["verify"]);
    return await subtle.verify(ecdsa, key, plain(signer.signature, curve.bytes), message);
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}

/** Both numbers of an ECDSA signature at their full length, as browsers take it. */
function plain(signature: Bytes, bytes: number): Bytes {
  const numbers = Fields.ofSequence(signature, "signature");
  const out = new Uint8Array(2 * bytes);
  for (const end of [bytes, 2 * bytes]) {
    const number = numbers.next(TAG.integer);
    const digits = number[0] === 0 ? number.subarray(1) : number;
    if (digits.length > bytes) throw new Problem("a number of the signature is too long");
    out.set(digits, end - digits.length);
  }
  numbers.end();
  return out;
}

async function digest(hash: string, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await globalThis.crypto.subtle.digest(hash, bytes));
}
