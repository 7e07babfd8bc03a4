// What all parts of a verification work with: the pack, what the auditor brought, the report, and how far it is.

import { Problem } from "./bytes.ts";
import { Events } from "./events.ts";
import type { Key } from "./key.ts";
import type { Checkpoint } from "./note.ts";
import type { Policy } from "./policy.ts";
import type { CheckId, Report } from "./report.ts";
import { FileProblem, Source, indexOf } from "./source.ts";
import type { Pack } from "./tar.ts";

/** What the auditor brings along. Nothing of it may come from the pack. */
export interface Trust {
  keys: Key[];
  policy: Policy | null;
  known: { name: string; checkpoint: Checkpoint }[];
}

/** Told how far the work is; may wait, so that the page can be drawn, and throws `Stopped` to end it. */
export type Watch = (what: string, done: number, total: number) => Promise<void>;

export class Stopped extends Error {}

const WITHOUT_ED25519 =
  "Use a newer Chrome, Edge, Firefox or Safari, or the program: comptroller verify PACK --key VKEY.";

/** The note of checks that need all entries. */
const NOT_WHOLE = "Not all entries could be read.";

export class Context {
  readonly source: Source;
  readonly events: Events;
  /** Why signatures cannot be checked here; null if they can. */
  missing: string | null = null;
  /** Whether every entry was read. */
  isWhole = false;

  constructor(
    readonly pack: Pack,
    readonly trust: Trust,
    readonly report: Report,
    readonly watch: Watch,
  ) {
    this.source = new Source(pack);
    this.events = new Events(report);
  }

  /** Closes a check that needs all entries. */
  close(id: CheckId, note: string): void {
    if (this.isWhole) this.report.done(id, note);
    else this.report.unchecked(id, NOT_WHOLE);
  }

  /** Closes a check that needs signatures, in a browser that cannot check them. */
  closeUnsigned(id: CheckId, before = ""): void {
    this.report.unchecked(id, `${before}${this.missing}. ${WITHOUT_ED25519}`);
  }

  /** Runs a check over every file of a folder; answers how many there are. */
  async each(
    folder: string,
    suffix: string,
    id: CheckId,
    what: string,
    work: (path: string, index: number) => Promise<void>,
  ): Promise<number> {
    const paths = this.pack.names().filter((path) => path.startsWith(folder));
    for (const [at, path] of paths.entries()) {
      await this.watch(what, at, paths.length);
      try {
        await work(path, indexOf(path, folder, suffix));
      } catch (error) {
        this.found(id, path, error);
      }
    }
    return paths.length;
  }

  attempt(id: CheckId, place: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.found(id, place, error);
    }
  }

  /** Notes a problem as a finding. Whatever else was thrown ends the work. */
  found(id: CheckId, place: string, error: unknown): void {
    if (error instanceof FileProblem) this.report.fail(id, error.place, error.message);
    else if (error instanceof Problem) this.report.fail(id, place, error.message);
    else throw error;
  }
}
