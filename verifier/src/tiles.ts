// Tiles and entry bundles of C2SP tlog-tiles: which there are, what they are called, and how their bytes are read.
//
// Must not open files.

import { type Bytes, Problem } from "./bytes.ts";

export const WIDTH = 256;
/** No tree below 2^63 leaves has tiles above this level. */
export const MAX_LEVEL = 7;
export const MAX_TILE_BYTES = WIDTH * 32;
export const MAX_BUNDLE_BYTES = WIDTH * (2 + 0xffff);

/** `width` hashes of a level, from number `index * 256`; with level "entries" a bundle of entries. */
export interface Tile {
  level: number | "entries";
  index: number;
  width: number;
}

/** The tile that a tree of `size` leaves has there; null if it has none. */
export function tileIn(level: number | "entries", index: number, size: number): Tile | null {
  const hashes = level === "entries" ? size : Math.floor(size / WIDTH ** level);
  const width = Math.min(hashes - index * WIDTH, WIDTH);
  return width > 0 ? { level, index, width } : null;
}

/** Path below the folder of the log. */
export function tilePath({ level, index, width }: Tile): string {
  let path = String(index % 1000).padStart(3, "0");
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  }
  return `tile/${level}/${path}${width < WIDTH ? `.p/${width}` : ""}`;
}

/** The hashes of a tile, 1 to 256. */
export function decodeTile(bytes: Bytes): Bytes[] {
  if (bytes.length === 0 || bytes.length > MAX_TILE_BYTES || bytes.length % 32 !== 0) {
    throw new Problem(`a tile is 32 to 8192 bytes in steps of 32, this has ${bytes.length}`);
  }
  const hashes: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += 32) hashes.push(bytes.slice(at, at + 32));
  return hashes;
}

/** The entries of a bundle, 1 to 256, each behind its length of two bytes. */
export function decodeBundle(bytes: Bytes): Bytes[] {
  const entries: Bytes[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (entries.length === WIDTH) throw new Problem("a bundle holds at most 256 entries, this has more");
    const end = at + 2 + ((bytes[at] << 8) | (bytes[at + 1] ?? 0));
    if (at + 2 > bytes.length || end > bytes.length) {
      throw new Problem(`the bundle ends inside its entry ${entries.length}, after ${bytes.length} bytes`);
    }
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length === 0) throw new Problem("a bundle holds 1 to 256 entries, this has none");
  return entries;
}
