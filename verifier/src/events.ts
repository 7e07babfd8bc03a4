// What must be true of the entries beyond their hashes: one organisation, streams without gaps, times that do not go
// back, true stream heads. Collects what later checks need: changes of keys and recorded time-stamps.
//
// Must not touch hashes of the log or files. Memory grows with streams and not with entries.

import { type Bytes, Problem, equal, excerpt, hashFromHex, hex, utf8 } from "./bytes.ts";
import { type Entry, parseEntry } from "./entry.ts";
import { exactly, isCount } from "./json.ts";
import { Frontier, leafHash } from "./merkle.ts";
import type { Report } from "./report.ts";
import { exactMoment } from "./time.ts";

interface Head {
  count: number;
  last: number;
}

export class Events {
  org: string | null = null;
  first: number | null = null;
  last: number | null = null;
  readonly streams = new Map<string, Head>();
  readonly kinds = new Map<string, number>();
  /** Entries that state a change of keys. Their signatures are checked when all entries were read. */
  readonly rotations: { index: number; entry: Entry }[] = [];
  /** Digests of the tokens that the log recorded, by the size of their head. */
  readonly stamps = new Map<number, Bytes[]>();
  statedHeads = 0;
  private sorted: string[] = [];

  constructor(private readonly report: Report) {}

  /** Takes the entry at `index`; entries come in order. */
  take(index: number, bytes: Bytes): void {
    const place = `entry ${index}`;
    let entry: Entry;
    try {
      entry = parseEntry(bytes);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.report.fail("form", place, error.message);
      return;
    }
    this.kinds.set(entry.kind, (this.kinds.get(entry.kind) ?? 0) + 1);
    this.org ??= entry.org;
    if (entry.org !== this.org) {
      this.report.fail("form", place, `belongs to organisation ${entry.org}, the log to ${this.org}`);
    }
    this.checkTime(place, entry);
    if (entry.kind === "ledger.stream_heads") this.checkHeads(index, entry);
    if (entry.kind === "ledger.key_rotated") this.rotations.push({ index, entry });
    if (entry.kind === "ledger.timestamped") this.takeStamp(index, entry);
    this.checkStream(index, entry);
  }

  private checkTime(place: string, entry: Entry): void {
    if (this.last !== null && entry.recordedAt < this.last) {
      const [now, before] = [exactMoment(entry.recordedAt), exactMoment(this.last)];
      this.report.fail("times", place, `says that it was recorded at ${now}, the entry before at ${before}`);
    }
    this.first ??= entry.recordedAt;
    this.last = entry.recordedAt;
  }

  private checkStream(index: number, { stream, sequence }: Entry): void {
    const known = this.streams.get(stream);
    const expected = known?.count ?? 0;
    if (sequence !== expected) {
      const name = JSON.stringify(excerpt(stream));
      this.report.fail("streams", `entry ${index}`, `stream ${name} goes on with number ${sequence}, expected ${expected}`);
    }
    if (known === undefined) this.sorted = [];
    // After a gap it goes on from the number found, so that one gap is one finding.
    this.streams.set(stream, { count: sequence + 1, last: index });
  }

  /** The root over all streams, sorted by the bytes of their names, each a leaf of name, count and last entry. */
  private headsRoot(): Bytes {
    if (this.sorted.length === 0) this.sorted = [...this.streams.keys()].sort(byCodePoint);
    const tree = new Frontier();
    for (const name of this.sorted) {
      const head = this.streams.get(name) as Head;
      tree.append(leafHash(utf8(JSON.stringify([name, head.count, head.last]))));
    }
    return tree.root();
  }

  private checkHeads(index: number, entry: Entry): void {
    this.statedHeads += 1;
    const place = `entry ${index}`;
    try {
      const { root, size, streams } = exactly(entry.data, ["root", "size", "streams"]);
      const stated = hashFromHex(root);
      if (stated === null || !isCount(size) || !isCount(streams)) throw new Problem("a member has the wrong type");
      const computed = this.headsRoot();
      if (size === index && streams === this.streams.size && equal(stated, computed)) return;
      this.report.fail(
        "heads",
        place,
        `states ${streams} streams over ${size} entries with root ${hex(stated)}, but the entries before it give ` +
          `${this.streams.size} over ${index} with root ${hex(computed)}`,
      );
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.report.fail("heads", place, `stream heads: ${error.message}`);
    }
  }

  private takeStamp(index: number, entry: Entry): void {
    const { size, token } = entry.data;
    const digest = hashFromHex(token);
    if (!isCount(size) || digest === null) {
      this.report.fail("stamps", `entry ${index}`, "records a time-stamp without its size or digest");
    } else if (size > index) {
      this.report.fail("stamps", `entry ${index}`, `records a time-stamp of ${size} entries, which were not there`);
    } else {
      this.stamps.set(size, [...(this.stamps.get(size) ?? []), digest]);
    }
  }
}

/** The order of UTF-8, which differs from that of this language beyond U+FFFF. */
function byCodePoint(one: string, other: string): number {
  const [left, right] = [[...one], [...other]];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = (left[at].codePointAt(0) ?? 0) - (right[at].codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
