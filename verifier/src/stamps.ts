// Time-stamps in a log: each token must be about the signed head of its size, and be the one that the log recorded.
//
// Runs after the walk, so every head it looks at was compared with the entries.

import { type Bytes, Problem, equal, hex, utf8 } from "./bytes.ts";
import { authorityName } from "./certificate.ts";
import type { Context } from "./context.ts";
import { parseEntry } from "./entry.ts";
import type { Checkpoint } from "./note.ts";
import { counted } from "./report.ts";
import { checkSeal } from "./seal.ts";
import { sha256 } from "./sha256.ts";
import { FileProblem } from "./source.ts";
import { moment } from "./time.ts";
import { MAX_TOKEN_BYTES, parseToken } from "./token.ts";

const FOLDER = "log/timestamps/";
const SUFFIX = ".tst";
const MAX_STAMPS = 100_000;
/** How far both clocks together may be off, in microseconds. */
const SLACK = 300 * 1_000_000;

export async function checkTimeStamps(context: Context, head: Checkpoint, earlier: ReadonlySet<number>): Promise<void> {
  const { report, source } = context;
  if (globalThis.crypto?.subtle === undefined) {
    context.closeUnsigned("stamps");
    return;
  }
  try {
    const sizes = source.sizes(FOLDER, SUFFIX);
    if (sizes.length > MAX_STAMPS) throw new FileProblem(FOLDER, `holds more than ${MAX_STAMPS} time-stamps`);
    if (sizes.length === 0) {
      if (!report.fails("stamps")) report.absent("stamps", "The pack has no time-stamp.");
      report.absent("authority", "The pack has no time-stamp.");
      return;
    }
    for (const [at, size] of sizes.entries()) {
      await context.watch("Checking time-stamps", at, sizes.length);
      const path = `${FOLDER}${size}${SUFFIX}`;
      try {
        await checkStamp(context, head, earlier, size, path);
      } catch (error) {
        context.found("stamps", path, error);
      }
    }
    context.close("stamps", `${counted(sizes.length, "time-stamp")}.`);
  } catch (error) {
    context.found("stamps", FOLDER, error);
  }
  const use = "Use comptroller verify PACK --key VKEY --timestamp-ca FILE.";
  report.unchecked("authority", `Not checked here. Anybody can make a certificate with any name in it. ${use}`);
}

async function checkStamp(
  context: Context,
  head: Checkpoint,
  earlier: ReadonlySet<number>,
  size: number,
  path: string,
): Promise<void> {
  const { events, report, source } = context;
  if (size !== head.size && !earlier.has(size)) {
    throw new Problem(`there is no checkpoint of ${size} entries beside it`);
  }
  const stamped = size === head.size ? head : await source.checkpoint(`log/checkpoints/${size}`);
  const bytes = await source.required(path, MAX_TOKEN_BYTES);
  const token = parseToken(bytes);
  // Stamped is the text of the note without its signatures: they may grow, the head stays.
  if (!equal(token.info.imprint, sha256(utf8(stamped.note.text)))) {
    throw new Problem("the token is about other bytes than the checkpoint of its size");
  }
  const certificate = await checkSeal(token);
  if (isAnother(events.stamps.get(size), bytes)) {
    throw new Problem("it is not the token that the log recorded for this head");
  }
  const { time, accuracy, serial } = token.info;
  if (size > 0) {
    const { recordedAt } = parseEntry(await source.entry(size - 1, head.size));
    const ahead = recordedAt - (time + accuracy + SLACK);
    if (ahead > 0) {
      const seconds = Math.floor((ahead + SLACK) / 1_000_000);
      throw new Problem(
        `the last entry claims to be recorded ${seconds} s after the authority stamped it: one of the clocks is wrong`,
      );
    }
  }
  const name = authorityName(certificate);
  const said = `${size} entries existed at ${moment(time)}, says ${name}, number ${hex(serial)}`;
  report.contents.stamps.push(`${said} (authority not checked)`);
}

function isAnother(recorded: readonly Bytes[] | undefined, token: Bytes): boolean {
  if (recorded === undefined) return false;
  const digest = sha256(token);
  return !recorded.some((known) => equal(known, digest));
}
