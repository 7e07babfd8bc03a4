// Verifies a pack with what the auditor brings along: every check that `comptroller verify PACK` makes.
//
// Must not use a key of the pack that no key of the auditor vouches for. Where one check fails, the others go on as
// far as they can, so that a reader sees all that is wrong; none counts as made that was not.

import { checkKeys, checkPayloads, checkProofs, checkWitnesses, readRotations } from "./beside.ts";
import { Problem, equal, hex } from "./bytes.ts";
import { Context, Stopped, type Trust, type Watch } from "./context.ts";
import { checkHeads, expectedHeads } from "./heads.ts";
import { type Rotation, everyKey, successors } from "./history.ts";
import { type Key, missingEd25519, sameKey } from "./key.ts";
import { type Checkpoint, type Verified, logKeys, verifyCheckpoint, verifyNote } from "./note.ts";
import { MANIFEST, type Manifest, checkFiles, readManifest } from "./pack.ts";
import { Report, counted } from "./report.ts";
import { checkTimeStamps } from "./stamps.ts";
import { Pack, TarProblem } from "./tar.ts";
import { moment } from "./time.ts";
import { Walk } from "./walk.ts";

export { Stopped, type Trust, type Watch };

const HEAD = "log/checkpoint";

/** The report, and the pack for downloads, as far as it could be read. */
export async function verify(file: Blob, name: string, trust: Trust, watch: Watch): Promise<{ report: Report; pack: Pack }> {
  const report = new Report(name, file.size);
  report.contents.given = [...trust.keys, ...(trust.policy?.logs ?? [])].map(({ text }) => text);
  const pack = new Pack(file);
  try {
    await run(new Context(pack, trust, report, watch));
  } catch (error) {
    if (error instanceof Stopped) report.ended = "You stopped it before the end.";
    else report.ended = `It could not go on: ${error instanceof Error ? error.message : String(error)}`;
  }
  return { report, pack };
}

async function run(context: Context): Promise<void> {
  const { events, report, source } = context;
  context.missing = await missingEd25519();
  if (!(await readTar(context))) return;
  const manifest = await listedFiles(context);
  let head: Checkpoint;
  try {
    head = await source.checkpoint(HEAD);
  } catch (error) {
    context.found("signature", HEAD, error);
    return;
  }
  const { origin, root, size } = head;
  Object.assign(report.contents, { origin, size, root: hex(root) });
  const given = keysFor(context.trust, origin);
  const signers = await signersOf(context, head, given);
  const { expected, earlier } = await expectedHeads(context, head);
  const reached = (entries: number) => context.watch("Checking entries", entries, size);
  context.isWhole = await new Walk(source, head, expected, events, report).run(reached);
  closeEntries(context, head, manifest);
  const rotations = await readRotations(context, origin);
  await closeSignature(context, head, given, signers, rotations);
  const keys = everyKey(rotations, given);
  await checkHeads(context, earlier, keys);
  await checkKeys(context, keys, rotations);
  await checkWitnesses(context, head);
  await checkPayloads(context, head);
  await checkProofs(context, head, keys);
  await checkTimeStamps(context, head, new Set(earlier));
}

async function readTar({ pack, report, watch }: Context): Promise<boolean> {
  try {
    await pack.index((done) => watch("Reading the pack", done, pack.file.size));
  } catch (error) {
    if (!(error instanceof TarProblem)) throw error;
    report.fail("tar", error.place, error.message);
    report.unchecked("tar", "The pack could not be read to its end.");
    return false;
  }
  const digest = pack.members.get(MANIFEST)?.sha256;
  Object.assign(report.contents, { files: pack.members.size, manifest: digest === undefined ? "" : hex(digest) });
  report.done("tar", `${counted(pack.members.size, "file")}.`);
  return true;
}

async function listedFiles(context: Context): Promise<Manifest | null> {
  const { pack, report, source } = context;
  try {
    const manifest = await readManifest(source);
    Object.assign(report.contents, { createdAt: manifest.createdAt, period: manifest.period });
    checkFiles(pack, manifest, report);
    return manifest;
  } catch (error) {
    context.found("files", MANIFEST, error);
    report.unchecked("files", "pack.json could not be read.");
    return null;
  }
}

/** The auditor's keys for a log of that name, each once. */
function keysFor(trust: Trust, origin: string): Key[] {
  const all = logKeys([...trust.keys, ...(trust.policy?.logs ?? [])], origin);
  return all.filter((key, at) => all.findIndex((other) => sameKey(other, key)) === at);
}

/** Who of the given keys signed the head. That nobody did may still be explained by a change of keys in the log. */
async function signersOf(context: Context, head: Checkpoint, given: Key[]): Promise<Verified[]> {
  if (context.missing !== null) return [];
  if (given.length === 0) {
    context.report.fail("signature", HEAD, `none of your keys is for this log, which calls itself ${head.origin}`);
    return [];
  }
  try {
    return await verifyNote(head.note, given);
  } catch (error) {
    context.found("signature", HEAD, error);
    return [];
  }
}

/** Closes the checks of what stands in the entries, and of what pack.json says about them. */
function closeEntries(context: Context, head: Checkpoint, manifest: Manifest | null): void {
  const { events, report } = context;
  Object.assign(report.contents, {
    org: events.org ?? "",
    streams: events.streams.size,
    firstRecordedAt: events.first,
    lastRecordedAt: events.last,
    kinds: [...events.kinds].sort(([one], [other]) => (one < other ? -1 : 1)),
  });
  if (manifest !== null) {
    const { origin, root, size } = manifest;
    if (origin !== head.origin || size !== head.size || !equal(root, head.root)) {
      report.fail("files", MANIFEST, "its origin, size or root is not that of log/checkpoint");
    }
    if (events.org !== null && events.org !== manifest.org) {
      report.fail("files", MANIFEST, "its organisation is not that of the entries");
    }
    report.done("files", `${counted(manifest.files.length, "file")} listed.`);
  }
  context.close("form", `${counted(head.size, "entry")}.`);
  context.close("streams", `${counted(events.streams.size, "stream")}.`);
  const span = events.first === null ? "No entries." : `${moment(events.first)} to ${moment(events.last ?? 0)}.`;
  context.close("times", span);
  const states = events.statedHeads > 0;
  if (context.isWhole && !states) report.absent("heads", "The log states none.");
  else context.close("heads", `${counted(events.statedHeads, "statement")}.`);
}

/** Closes the check of the head's signature, with the keys that a given one handed over to. */
async function closeSignature(
  context: Context,
  head: Checkpoint,
  given: Key[],
  signers: Verified[],
  rotations: Rotation[],
): Promise<void> {
  const { report } = context;
  if (context.missing !== null) {
    context.closeUnsigned("signature");
    return;
  }
  let signed = signers;
  try {
    if (signed.length === 0 && !report.fails("signature")) {
      signed = await verifyCheckpoint(head, successors(rotations, given));
    }
    report.contents.signedBy = signed.map(({ key }) => key.text);
    report.done("signature", `Size ${head.size}, root ${hex(head.root)}.`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    context.found("signature", HEAD, error);
  }
  if (report.fails("signature")) report.unchecked("signature", "Without it, nothing shows who made this log.");
}
