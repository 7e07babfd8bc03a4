// Heads beside the one that is verified: earlier checkpoints of the pack, and those that the auditor kept.
//
// Their roots are compared while all entries are read; here they are read, and their signatures are checked.

import { Problem } from "./bytes.ts";
import type { Context } from "./context.ts";
import type { Key } from "./key.ts";
import { type Checkpoint, verifyCheckpoint } from "./note.ts";
import { type CheckId, counted } from "./report.ts";
import { FileProblem } from "./source.ts";
import type { Expected } from "./walk.ts";

const EARLIER = "log/checkpoints/";
const MAX_EARLIER = 1_000_000;

/** The heads that the tree must have passed through, and the sizes of the earlier checkpoints. */
export async function expectedHeads(
  context: Context,
  head: Checkpoint,
): Promise<{ expected: Map<number, Expected[]>; earlier: number[] }> {
  const expected = new Map<number, Expected[]>();
  const earlier: number[] = [];
  const expect = (check: CheckId, place: string, { origin, root, size }: Checkpoint) => {
    if (origin !== head.origin) throw new FileProblem(place, `is of ${origin}, the log of ${head.origin}`);
    if (size > head.size) throw new FileProblem(place, `has size ${size}, but the log ends at ${head.size}`);
    expected.set(size, [...(expected.get(size) ?? []), { check, place, root }]);
  };
  for (const { name, checkpoint } of context.trust.known) {
    context.attempt("known", name, () => expect("known", name, checkpoint));
  }
  let sizes: number[] = [];
  context.attempt("earlier", EARLIER, () => {
    sizes = context.source.sizes(EARLIER, "");
    if (sizes.length > MAX_EARLIER) throw new Problem(`holds more than ${MAX_EARLIER} checkpoints`);
  });
  for (const size of sizes) {
    const path = `${EARLIER}${size}`;
    try {
      const checkpoint = await context.source.checkpoint(path);
      if (checkpoint.size !== size) throw new FileProblem(path, `states size ${checkpoint.size}`);
      expect("earlier", path, checkpoint);
      earlier.push(size);
    } catch (error) {
      context.found("earlier", path, error);
    }
  }
  return { expected, earlier };
}

/** Closes both checks: every earlier checkpoint is signed by a key of the log, whatever their roots are. */
export async function checkHeads(context: Context, sizes: number[], keys: Key[]): Promise<void> {
  const { report, source, trust } = context;
  if (trust.known.length === 0) report.absent("known", "You gave none. One would show that the log was not rewritten since.");
  else context.close("known", counted(trust.known.length, "checkpoint") + " of yours.");
  if (context.missing !== null) {
    context.closeUnsigned("earlier", "Roots only. ");
    return;
  }
  for (const size of sizes) {
    const path = `${EARLIER}${size}`;
    await context.watch("Checking earlier heads", size, report.contents.size);
    try {
      await verifyCheckpoint(await source.checkpoint(path), keys);
    } catch (error) {
      context.found("earlier", path, error);
    }
  }
  if (sizes.length === 0 && !report.fails("earlier")) report.absent("earlier", "The pack has none.");
  else context.close("earlier", `${counted(sizes.length, "checkpoint")}.`);
}
