// When entries and tiles disagree: finds out which of them the signed root contradicts.
//
// Runs only after a difference, and must never be used to accept anything.

import { type Bytes, equal } from "./bytes.ts";
import { EMPTY_ROOT, nodeHash, subtreeRoot } from "./merkle.ts";
import type { Checkpoint } from "./note.ts";
import { FileProblem, type Source } from "./source.ts";
import { MAX_LEVEL, type Tile, WIDTH, tileIn, tilePath } from "./tiles.ts";

/** What is wrong with the tile, or with one above it; null if the signed root commits to its hashes. */
export async function blame(source: Source, tile: Tile, head: Checkpoint): Promise<FileProblem | null> {
  try {
    if (!equal(await edgeRoot(source, head.size), head.root)) {
      const problem = "its hashes contradict the entries, and the right edge of the tree does not lead to the signed root";
      return new FileProblem(`log/${tilePath(tile)}`, problem);
    }
    // Partial tiles are the right edge, which is known to be true now: the climb may end at one.
    const climb = [tile];
    for (let below = tile; below.width === WIDTH; ) {
      const above = tileIn((below.level as number) + 1, Math.floor(below.index / WIDTH), head.size);
      if (above === null) break;
      climb.push(above);
      below = above;
    }
    for (let at = climb.length - 1; at > 0; at -= 1) {
      const [above, below] = [climb[at], climb[at - 1]];
      const stated = (await source.tile(above))[below.index % WIDTH];
      if (!equal(subtreeRoot(await source.tile(below)), stated)) {
        const problem = `its hashes do not lead to the hash in log/${tilePath(above)}`;
        return new FileProblem(`log/${tilePath(below)}`, problem);
      }
    }
    return null;
  } catch (error) {
    if (error instanceof FileProblem) return error;
    throw error;
  }
}

/** The root as the partial tile of each level has it. */
async function edgeRoot(source: Source, size: number): Promise<Bytes> {
  let right: Bytes | null = null;
  for (let level = 0; level <= MAX_LEVEL; level += 1) {
    const hashes = Math.floor(size / WIDTH ** level);
    const tile = tileIn(level, Math.floor(hashes / WIDTH), size);
    if (tile === null) continue;
    const edge = await source.tile(tile);
    // The complete subtrees in the tile, the rightmost and smallest first.
    for (let end = edge.length; end > 0; ) {
      const start = end - (end & -end);
      const left = subtreeRoot(edge.slice(start, end));
      right = right === null ? left : nodeHash(left, right);
      end = start;
    }
  }
  return right ?? EMPTY_ROOT;
}
