// The log within a pack: its checkpoints, tiles, bundles and tokens by what they are, bounded and well formed.
//
// Must not trust what it reads.

import { type Bytes, Problem, count } from "./bytes.ts";
import { type Checkpoint, MAX_NOTE_BYTES, parseCheckpoint } from "./note.ts";
import type { Pack } from "./tar.ts";
import { MAX_BUNDLE_BYTES, MAX_TILE_BYTES, type Tile, WIDTH, decodeBundle, decodeTile, tileIn, tilePath } from "./tiles.ts";

/** A problem with the file that it is about. */
export class FileProblem extends Problem {
  constructor(readonly place: string, problem: string) {
    super(problem);
  }
}

export class Source {
  constructor(readonly pack: Pack) {}

  /** A file's contents; that it is too large, or not there where it must be, is a problem of that file. */
  async read(path: string, max: number): Promise<Bytes | null> {
    return this.within(path, () => this.pack.read(path, max));
  }

  async required(path: string, max: number): Promise<Bytes> {
    const bytes = await this.read(path, max);
    if (bytes === null) throw new FileProblem(path, "is missing from the pack");
    return bytes;
  }

  /** A checkpoint by its path in the pack; its signatures are not checked. */
  async checkpoint(path: string): Promise<Checkpoint> {
    const bytes = await this.required(path, MAX_NOTE_BYTES);
    return this.within(path, () => parseCheckpoint(bytes));
  }

  /** The sizes that files of a folder are named after, rising. */
  sizes(folder: string, suffix: string): number[] {
    const sizes: number[] = [];
    for (const path of this.pack.members.keys()) {
      if (path.startsWith(folder)) sizes.push(indexOf(path, folder, suffix));
    }
    return sizes.sort((one, other) => one - other);
  }

  async tile(tile: Tile): Promise<Bytes[]> {
    return this.stripe(tile, MAX_TILE_BYTES, decodeTile);
  }

  async entries(index: number, size: number): Promise<{ path: string; entries: Bytes[] }> {
    const bundle = tileIn("entries", index, size);
    if (bundle === null) throw new Problem(`the log has no entries from ${index * WIDTH}`);
    const entries = await this.stripe(bundle, MAX_BUNDLE_BYTES, decodeBundle);
    return { path: `log/${tilePath(bundle)}`, entries };
  }

  async entry(index: number, size: number): Promise<Bytes> {
    const { entries } = await this.entries(Math.floor(index / WIDTH), size);
    return entries[index % WIDTH];
  }

  /** A tile or bundle. If only the full one is there, its beginning serves for the partial one. */
  private async stripe(tile: Tile, max: number, decode: (bytes: Bytes) => Bytes[]): Promise<Bytes[]> {
    let path = `log/${tilePath(tile)}`;
    let bytes = await this.read(path, max);
    const stands = bytes === null && tile.width < WIDTH;
    if (stands) {
      const full = `log/${tilePath({ ...tile, width: WIDTH })}`;
      bytes = await this.read(full, max);
      if (bytes !== null) path = full;
    }
    if (bytes === null) throw new FileProblem(path, "is missing from the pack");
    const found = bytes;
    const items = await this.within(path, () => decode(found));
    const expected = stands ? WIDTH : tile.width;
    if (items.length !== expected) throw new FileProblem(path, `holds ${items.length} instead of ${expected}`);
    return items.slice(0, tile.width);
  }

  private async within<T>(path: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Problem && !(error instanceof FileProblem)) throw new FileProblem(path, error.message);
      throw error;
    }
  }
}

/** The number in a name such as `openings/12.json`. */
export function indexOf(path: string, folder: string, suffix: string): number {
  const name = path.slice(folder.length);
  const index = name.endsWith(suffix) ? count(name.slice(0, name.length - suffix.length)) : null;
  if (index === null) throw new FileProblem(path, `is not named ${folder}<number>${suffix}`);
  return index;
}
