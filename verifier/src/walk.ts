// The pass over all entries: hashes them again, compares every tile and every head, and hands each entry on.
//
// Nothing in a tile is believed: every hash of every tile is computed again from the entries. Memory holds a bundle
// and one tile for each level.

import { type Bytes, equal, hex } from "./bytes.ts";
import { blame } from "./blame.ts";
import type { Events } from "./events.ts";
import { Frontier, leafHash } from "./merkle.ts";
import type { Checkpoint } from "./note.ts";
import { type CheckId, type Report, counted } from "./report.ts";
import { FileProblem, type Source } from "./source.ts";
import { type Tile, WIDTH, tileIn, tilePath } from "./tiles.ts";

/** A head that the tree must have passed through: where it was found, and which check it belongs to. */
export interface Expected {
  check: CheckId;
  place: string;
  root: Bytes;
}

/** Told how many entries were read; may wait, and may throw to stop. */
export type Reached = (entries: number) => Promise<void>;

export class Walk {
  private readonly tree = new Frontier();
  /** Of each level from 1 the tile that is being compared. */
  private readonly above: { tile: Tile; hashes: Bytes[] }[] = [];
  /** From the first tile that is wrong on, what is computed above it is wrong too and would only repeat it. */
  private broken = false;
  private changed = 0;
  private tiles = 0;

  constructor(
    private readonly source: Source,
    private readonly head: Checkpoint,
    private readonly heads: ReadonlyMap<number, Expected[]>,
    private readonly events: Events,
    private readonly report: Report,
  ) {}

  /** Walks from entry 0 to the head. False if it could not come to its end. */
  async run(reached: Reached): Promise<boolean> {
    this.compareHeads();
    const { size } = this.head;
    for (let index = 0; index * WIDTH < size; index += 1) {
      await reached(index * WIDTH);
      try {
        await this.bundle(index);
      } catch (error) {
        if (!(error instanceof FileProblem)) throw error;
        const check = error.place.startsWith("log/tile/entries/") ? "entries" : "tiles";
        this.report.fail(check, error.place, `${error.message}; what is from entry ${index * WIDTH} on was not checked`);
        for (const id of ["entries", "tiles"] as const) {
          this.report.unchecked(id, `Checked up to entry ${this.tree.size} of ${size}.`);
        }
        return false;
      }
    }
    await reached(size);
    this.compareRoot();
    const changed = this.changed === 0 ? "" : `, of which ${this.changed} not as signed`;
    this.report.done("entries", `${counted(size, "entry")}${changed}.`);
    this.report.done("tiles", `${counted(this.tiles, "tile")}.`);
    return true;
  }

  private async bundle(index: number): Promise<void> {
    const { path, entries } = await this.source.entries(index, this.head.size);
    const tile: Tile = { level: 0, index, width: entries.length };
    const stated = await this.source.tile(tile);
    const computed = entries.map((entry) => leafHash(entry));
    const different = computed.flatMap((hash, at) => (equal(hash, stated[at]) ? [] : [at]));
    let leaves = computed;
    if (different.length > 0) {
      const wrong = await blame(this.source, tile, this.head);
      if (wrong === null) {
        for (const at of different) {
          this.report.fail("entries", `entry ${index * WIDTH + at}`, `in ${path} is not the one that was logged`);
        }
        this.changed += different.length;
        // The tile is what was signed: with it, the rest of the tree can still be judged.
        leaves = stated;
      } else {
        this.tileFails(wrong.place, wrong.message);
      }
    }
    this.tiles += 1;
    const completed: [number, number, Bytes][] = [];
    for (const [at, leaf] of leaves.entries()) {
      this.tree.append(leaf, (level, place, hash) => completed.push([level, place, hash]));
      this.compareHeads();
      this.events.take(index * WIDTH + at, entries[at]);
    }
    for (const [level, place, hash] of completed) await this.compareAbove(level, place, hash);
  }

  private async compareAbove(level: number, index: number, computed: Bytes): Promise<void> {
    if (this.broken) return;
    const place = Math.floor(index / WIDTH);
    let current = this.above[level];
    if (current?.tile.index !== place) {
      const tile = tileIn(level, place, this.head.size);
      if (tile === null) throw new Error("a hash that is complete lies in a tile of the tree");
      current = { tile, hashes: await this.source.tile(tile) };
      this.above[level] = current;
      this.tiles += 1;
    }
    if (equal(current.hashes[index % WIDTH], computed)) return;
    const wrong = await blame(this.source, current.tile, this.head);
    const below: Tile = { level: level - 1, index, width: WIDTH };
    const problem = `it and the entries below it are not what log/${tilePath(current.tile)} commits to`;
    this.tileFails(wrong?.place ?? `log/${tilePath(below)}`, wrong?.message ?? problem);
  }

  private tileFails(place: string, problem: string): void {
    this.broken = true;
    this.report.fail("tiles", place, problem);
  }

  private compareHeads(): void {
    const { size } = this.tree;
    for (const { check, place, root } of this.heads.get(size) ?? []) {
      const computed = this.tree.root();
      if (equal(root, computed)) continue;
      const problem = `has root ${hex(root)} at size ${size}, this log has ${hex(computed)}`;
      this.report.fail(check, place, `${problem}: two histories were signed or shown`);
    }
  }

  private compareRoot(): void {
    const computed = this.tree.root();
    if (equal(computed, this.head.root)) return;
    const signed = `signs root ${hex(this.head.root)} at size ${this.head.size}, but the entries give ${hex(computed)}`;
    const cause = this.broken ? "see the tiles" : "this head belongs to another history";
    this.report.fail("entries", "log/checkpoint", `${signed}: ${cause}`);
  }
}

