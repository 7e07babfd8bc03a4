// The Merkle tree of RFC 6962: leaf and node hashes, the root of a growing tree, inclusion proofs.
//
// Must not know about files. A leaf is hashed behind 0x00 and a node behind 0x01, so no entry can pass for a node.

import { type Bytes, Problem, equal, hex } from "./bytes.ts";
import { Sha256, sha256 } from "./sha256.ts";

/** The root of a tree without leaves. */
export const EMPTY_ROOT = sha256(new Uint8Array(0));

const LEAF = new Uint8Array([0]);
const node = new Uint8Array(65);
node[0] = 1;

export function leafHash(entry: Uint8Array): Bytes {
  return new Sha256().update(LEAF).update(entry).digest();
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  node.set(left, 1);
  node.set(right, 33);
  return sha256(node);
}

/** Told of each tile hash that an appended leaf completes: its level from 1, its place in it, and the hash. */
export type Completed = (level: number, index: number, hash: Bytes) => void;

/** The right edge of a tree: the roots of its complete subtrees, largest first. */
export class Frontier {
  size = 0;
  private readonly roots: Bytes[] = [];

  append(leaf: Bytes, note?: Completed): void {
    let hash = leaf;
    let rest = this.size;
    // Sizes may pass 2^32, where the bit operators of the language end.
    for (let height = 1; rest % 2 === 1; height += 1) {
      const left = this.roots.pop();
      if (left === undefined) throw new Error("a tree has one root for each set bit of its size");
      hash = nodeHash(left, hash);
      rest = (rest - 1) / 2;
      if (height % 8 === 0) note?.(height / 8, rest, hash);
    }
    this.roots.push(hash);
    this.size += 1;
  }

  root(): Bytes {
    let root: Bytes | null = null;
    for (let at = this.roots.length - 1; at >= 0; at -= 1) {
      root = root === null ? this.roots[at] : nodeHash(this.roots[at], root);
    }
    return root ?? EMPTY_ROOT;
  }
}

/** The root over a row of hashes whose number is a power of two. */
export function subtreeRoot(hashes: Bytes[]): Bytes {
  let row = hashes;
  while (row.length > 1) {
    const above: Bytes[] = [];
    for (let at = 0; at < row.length; at += 2) above.push(nodeHash(row[at], row[at + 1]));
    row = above;
  }
  return row[0] ?? EMPTY_ROOT;
}

/** Checks that a leaf stands at an index in the tree of that size and root (RFC 9162, section 2.1.3.2). */
export function checkInclusion(leaf: Bytes, index: number, size: number, proof: Bytes[], root: Bytes): void {
  if (index >= size) throw new Problem(`leaf ${index} is not in a tree of ${size} leaves`);
  let [place, last, computed] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) throw new Problem(`the proof has ${proof.length} hashes, which are too many`);
    if (place % 2 === 1 || place === last) {
      computed = nodeHash(sibling, computed);
      while (place % 2 === 0 && place !== 0) {
        place /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      computed = nodeHash(computed, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw new Problem(`the proof has ${proof.length} hashes, which are too few`);
  if (!equal(computed, root)) throw new Problem(`the proof leads to root ${hex(computed)}, expected ${hex(root)}`);
}
