// What was checked, what came of it, and what it means, in words.
//
// States facts and draws no conclusion. A check that was not made says so; it never counts as one that holds.

export type State = "holds" | "fails" | "unchecked" | "absent";

/** Findings of one check that are kept with their text; the others are counted. */
const KEPT = 50;

export interface Finding {
  /** File, entry or checkpoint. */
  place: string;
  problem: string;
}

export interface Check {
  id: CheckId;
  title: string;
  /** What it means when it holds. */
  meaning: string;
  state: State;
  /** How much was checked, or why nothing was. */
  note: string;
  findings: Finding[];
  /** All of them, also those whose text is not kept. */
  found: number;
}

const TEXTS = {
  tar: [
    "The pack is a plain tar file",
    "Every member is an ordinary file with a safe name that occurs once. Nothing is cut off, nothing stands behind the end.",
  ],
  files: [
    "The files are those that pack.json lists",
    "Each file has the length and SHA-256 that pack.json lists. None is missing, none was added. pack.json is about this log.",
  ],
  signature: [
    "The log's head is signed with your key",
    "Whoever holds the secret half of your key signed this size and root. Or that key handed over, in the log, to one that did.",
  ],
  entries: [
    "Every entry is the one that was signed",
    "All entries were hashed again and lead to the signed root. None was changed, removed or moved below the signed size.",
  ],
  tiles: [
    "Every tile is what the signed root commits to",
    "The hashes that the log keeps for proofs were computed again from the entries. None was taken on trust.",
  ],
  form: [
    "Every entry is well formed, of one organisation",
    "Each entry has the one form in which it can be written. All belong to the same organisation.",
  ],
  streams: [
    "Streams have no gaps",
    "The entries of each system, and of the organisation, are numbered 0, 1, 2 and so on without a gap or a repeat.",
  ],
  heads: [
    "Stated stream heads are true",
    "Where the log states how many entries each stream has, the entries before it give the same.",
  ],
  times: [
    "Recorded times never go back",
    "Each entry was recorded at the time of the entry before it, or later. The clock is the operator's.",
  ],
  keys: [
    "Keys of the log lead to your key",
    "Each change of keys is signed by both keys. keys/history names no key that yours does not vouch for.",
  ],
  earlier: [
    "Earlier heads belong to this same history",
    "Each earlier checkpoint in the pack is signed by the log, and its root is the one that the first entries give.",
  ],
  known: [
    "Your own checkpoints belong to this history",
    "The log still contains each head that you kept from before: nothing of it was written anew.",
  ],
  openings: [
    "Payloads shown are the ones committed to",
    "SHA-256 of salt and payload is the digest in the entry, for every payload that the pack shows.",
  ],
  proofs: [
    "Proof files are true",
    "Each proof leads from its entry to a signed head of this log.",
  ],
  witnesses: [
    "Witnesses cosigned the head",
    "The witnesses that you named signed this size and root, as many as you asked for.",
  ],
  stamps: [
    "Time-stamps are about heads of this log",
    "Each token holds the SHA-256 of a signed head, is signed by the certificate inside it, and is the one that the log " +
      "recorded. No entry below the head claims a later time.",
  ],
  authority: [
    "A trusted authority made the time-stamps",
    "The certificate inside each token leads to an authority that you trust.",
  ],
} as const satisfies Record<string, readonly [string, string]>;

/** "1 file", "2 files". */
export function counted(count: number, what: string): string {
  const plural = /[^aeo]y$/.test(what) ? `${what.slice(0, -1)}ies` : `${what}s`;
  return `${count.toLocaleString("en")} ${count === 1 ? what : plural}`;
}

export type CheckId = keyof typeof TEXTS;

/** What stands in the pack. Filled as far as the checks came. */
export interface Contents {
  fileName: string;
  fileBytes: number;
  /** Keys that the auditor gave for the log. */
  given: string[];
  files: number;
  /** SHA-256 of pack.json, which lists the digests of all others. */
  manifest: string;
  origin: string;
  org: string;
  size: number;
  root: string;
  streams: number;
  firstRecordedAt: number | null;
  lastRecordedAt: number | null;
  createdAt: number | null;
  period: { from: number; until: number } | null;
  kinds: [string, number][];
  signedBy: string[];
  rotations: string[];
  cosignedBy: string[];
  stamps: string[];
}

export type Outcome = "holds" | "fails" | "incomplete";

export class Report {
  readonly checks = new Map<CheckId, Check>();
  readonly contents: Contents;
  /** Why not everything was checked that there was to check: stopped, or a fault of this program. */
  ended: string | null = null;

  constructor(fileName: string, fileBytes: number) {
    for (const id of Object.keys(TEXTS) as CheckId[]) {
      const [title, meaning] = TEXTS[id];
      const note = "Not reached: an earlier check failed or was stopped.";
      this.checks.set(id, { id, title, meaning, state: "unchecked", note, findings: [], found: 0 });
    }
    this.contents = {
      fileName, fileBytes, given: [], files: 0, manifest: "", origin: "", org: "", size: 0, root: "", streams: 0,
      firstRecordedAt: null, lastRecordedAt: null, createdAt: null, period: null, kinds: [], signedBy: [], rotations: [],
      cosignedBy: [], stamps: [],
    };
  }

  check(id: CheckId): Check {
    return this.checks.get(id) as Check;
  }

  fail(id: CheckId, place: string, problem: string): void {
    const check = this.check(id);
    check.state = "fails";
    check.found += 1;
    if (check.findings.length < KEPT) check.findings.push({ place, problem });
  }

  /** Everything of this check was looked at: it holds, unless something was found. */
  done(id: CheckId, note: string): void {
    const check = this.check(id);
    check.note = note;
    if (check.state !== "fails") check.state = "holds";
  }

  /** There is nothing in the pack, or nothing from the auditor, that this check could be about. */
  absent(id: CheckId, note: string): void {
    Object.assign(this.check(id), { state: "absent", note });
  }

  /** It was not made, or not to its end. What it found so far stays found. */
  unchecked(id: CheckId, note: string): void {
    const check = this.check(id);
    check.note = note;
    if (check.state !== "fails") check.state = "unchecked";
  }

  fails(id: CheckId): boolean {
    return this.check(id).state === "fails";
  }

  /** Checks of a state, in their order. */
  of(state: State): Check[] {
    return [...this.checks.values()].filter((check) => check.state === state);
  }

  /** Only the authority of time-stamps may stay open: this page never checks it, and always says so. */
  outcome(): Outcome {
    if (this.of("fails").length > 0) return "fails";
    const open = this.of("unchecked").filter((check) => check.id !== "authority");
    return open.length > 0 || this.ended !== null ? "incomplete" : "holds";
  }
}
