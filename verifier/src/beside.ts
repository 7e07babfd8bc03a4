// What a pack has beside its entries and heads: changes of keys, cosignatures, payloads, proofs.

import { Problem } from "./bytes.ts";
import type { Context } from "./context.ts";
import { type Rotation, readRotation } from "./history.ts";
import type { Key } from "./key.ts";
import { type Checkpoint, verifyCheckpoint } from "./note.ts";
import { checkHistory, checkOpenings, checkProof } from "./pack.ts";
import { checkQuorum, witnesses } from "./policy.ts";
import { counted } from "./report.ts";
import { moment } from "./time.ts";

/** The changes of keys that the log states, each signed by both keys and going on from one before. */
export async function readRotations(context: Context, origin: string): Promise<Rotation[]> {
  const { events, report } = context;
  const found: Rotation[] = [];
  if (context.missing !== null) return found;
  const introduced = new Set<string>();
  for (const [at, { index, entry }] of events.rotations.entries()) {
    await context.watch("Checking changes of keys", at, events.rotations.length);
    try {
      const rotation = await readRotation(index, entry.data, origin);
      const { old, next } = rotation;
      if (found.length > 0 && !introduced.has(old.text)) {
        throw new Problem(`goes from ${old.text}, which no earlier change introduced`);
      }
      found.push(rotation);
      introduced.add(old.text).add(next.text);
      report.contents.rotations.push(`entry ${index}, signed by both keys: now ${next.text}`);
    } catch (error) {
      context.found("keys", `entry ${index}`, error);
    }
  }
  return found;
}

export async function checkKeys(context: Context, keys: Key[], rotations: Rotation[]): Promise<void> {
  if (context.missing !== null) {
    context.closeUnsigned("keys");
    return;
  }
  let listed = 0;
  try {
    listed = await checkHistory(context.source, keys, rotations, context.report);
  } catch (error) {
    context.found("keys", "keys/history", error);
  }
  context.close("keys", `${counted(listed, "key")} listed, ${counted(rotations.length, "change")} of keys.`);
}

export async function checkWitnesses(context: Context, head: Checkpoint): Promise<void> {
  const { report } = context;
  const { policy } = context.trust;
  const known = policy === null ? [] : witnesses(policy);
  if (policy === null || known.length === 0) {
    const others = head.note.signatures.length - report.contents.signedBy.length;
    const more = others > 0 ? ` The head has ${counted(others, "signature")} that nobody asked about.` : "";
    report.absent("witnesses", `You named none.${more}`);
    return;
  }
  if (context.missing !== null) {
    context.closeUnsigned("witnesses");
    return;
  }
  try {
    const signed = await checkQuorum(policy, head);
    const note = `${signed.length} of ${known.length} ${known.length === 1 ? "witness" : "witnesses"} cosigned.`;
    report.contents.cosignedBy = signed.map(
      ({ key, time }) => `${key.text} at ${moment(Number(time ?? 0n) * 1_000_000)}`,
    );
    // That nobody had to, and nobody did, is no fact about the log.
    if (signed.length === 0) report.absent("witnesses", `${note} You asked for none.`);
    else report.done("witnesses", note);
  } catch (error) {
    context.found("witnesses", "log/checkpoint", error);
    report.unchecked("witnesses", "Too few cosigned, or one wrongly.");
  }
}

export async function checkPayloads(context: Context, head: Checkpoint): Promise<void> {
  const { report, source } = context;
  let payloads = 0;
  const files = await context.each("openings/", ".json", "openings", "Checking payloads", async (path, index) => {
    payloads += await checkOpenings(source, path, index, head.size);
  });
  if (files === 0) report.absent("openings", "The pack shows none.");
  else report.done("openings", `${counted(payloads, "payload")} of ${counted(files, "entry")}.`);
}

export async function checkProofs(context: Context, head: Checkpoint, keys: Key[]): Promise<void> {
  const { report, source } = context;
  const { policy } = context.trust;
  const files = await context.each("proofs/", ".tlog-proof", "proofs", "Checking proofs", async (path, index) => {
    const checkpoint = await checkProof(source, path, index, head);
    if (context.missing !== null) return;
    await verifyCheckpoint(checkpoint, keys);
    if (policy !== null) await checkQuorum(policy, checkpoint);
  });
  if (files === 0) report.absent("proofs", "The pack has none.");
  else if (context.missing === null) report.done("proofs", `${counted(files, "proof")}.`);
  else context.closeUnsigned("proofs", "All but the signatures. ");
}
