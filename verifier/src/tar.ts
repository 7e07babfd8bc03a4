// Reads a pack's tar once: where each file lies, and its digest. Then serves files by name, slice by slice.
//
// Must not hold the pack in memory: only names, places and digests stay, and a few windows of the file.
// Every member must be an ordinary ustar file with a safe name that occurs once. Links, folders, devices and
// extension headers are refused: no two programs read them alike.

import { type Bytes, Problem, excerpt, fromUtf8 } from "./bytes.ts";
import { Sha256 } from "./sha256.ts";

const BLOCK = 512;
const MAX_FILES = 4_000_000;
const MAX_PATH = 100;
/** The most zeros behind the end that programs add to fill a record. */
const MAX_PADDING = 1 << 20;
/** Bytes that one read from the file fetches at least. */
const WINDOW = 1 << 20;
/** Tiles, entries and the file at hand lie in different places of the pack. */
const WINDOWS = 4;

export interface Member {
  offset: number;
  bytes: number;
  sha256: Bytes;
}

/** What went wrong at which place of the pack; nothing behind it could be read. */
export class TarProblem extends Problem {
  constructor(readonly place: string, problem: string) {
    super(problem);
  }
}

/** Told how many bytes were read; may wait, and may throw to stop. */
export type Progress = (done: number) => Promise<void> | void;

/** Reads pieces of a file through a few windows, so that small pieces near each other cost one read. */
class Windows {
  private readonly kept: { start: number; bytes: Bytes }[] = [];

  constructor(private readonly file: Blob) {}

  /** `length` bytes from `offset`; fewer where the file ends. The bytes must not be changed. */
  async read(offset: number, length: number): Promise<Bytes> {
    const at = this.kept.findIndex(({ start, bytes }) => start <= offset && offset + length <= start + bytes.length);
    if (at >= 0) {
      const [found] = this.kept.splice(at, 1);
      this.kept.push(found);
      return found.bytes.subarray(offset - found.start, offset - found.start + length);
    }
    const end = Math.min(this.file.size, offset + Math.max(length, WINDOW));
    const bytes = new Uint8Array(await this.file.slice(offset, end).arrayBuffer());
    if (bytes.length <= 2 * WINDOW) {
      this.kept.push({ start: offset, bytes });
      if (this.kept.length > WINDOWS) this.kept.shift();
    }
    return bytes.subarray(0, Math.min(length, bytes.length));
  }
}

export class Pack {
  readonly members = new Map<string, Member>();
  private readonly windows: Windows;

  constructor(readonly file: Blob) {
    this.windows = new Windows(file);
  }

  /** Names in the order of their bytes, which for these names is the order of their characters. */
  names(): string[] {
    return [...this.members.keys()].sort();
  }

  /** The contents of a file; null if it is not there. A larger file than `max` is a problem. */
  async read(path: string, max: number): Promise<Bytes | null> {
    const member = this.members.get(path);
    if (member === undefined) return null;
    if (member.bytes > max) throw new Problem(`has ${member.bytes} bytes, at most ${max} are read`);
    return this.windows.read(member.offset, member.bytes);
  }

  /** The file itself, for a download. */
  slice(path: string): Blob | null {
    const member = this.members.get(path);
    return member === undefined ? null : this.file.slice(member.offset, member.offset + member.bytes);
  }

  /** Reads the whole tar once. */
  async index(progress: Progress): Promise<void> {
    let offset = 0;
    for (;;) {
      const block = await this.take(offset, BLOCK, "the end of the pack");
      offset += BLOCK;
      if (isZero(block)) {
        await this.checkEnd(offset);
        return;
      }
      const { path, bytes } = readHeader(block, offset - BLOCK);
      if (this.members.has(path)) throw new TarProblem(path, "is in the pack twice");
      if (this.members.size === MAX_FILES) throw new TarProblem(path, `a pack has at most ${MAX_FILES} files`);
      const sha256 = await this.digest(path, offset, bytes, progress);
      const padding = (BLOCK - (bytes % BLOCK)) % BLOCK;
      if (!isZero(await this.take(offset + bytes, padding, path))) {
        throw new TarProblem(path, "the bytes behind it are not zero");
      }
      this.members.set(path, { offset, bytes, sha256 });
      offset += bytes + padding;
    }
  }

  private async digest(path: string, offset: number, bytes: number, progress: Progress): Promise<Bytes> {
    const hasher = new Sha256();
    for (let done = 0; done < bytes; ) {
      const piece = await this.take(offset + done, Math.min(bytes - done, WINDOW), path);
      hasher.update(piece);
      done += piece.length;
      await progress(offset + done);
    }
    return hasher.digest();
  }

  private async take(offset: number, length: number, place: string): Promise<Bytes> {
    const bytes = length === 0 ? new Uint8Array(0) : await this.windows.read(offset, length);
    if (bytes.length < length) throw new TarProblem(place, `is cut off: the pack ends at byte ${this.file.size}`);
    return bytes;
  }

  private async checkEnd(offset: number): Promise<void> {
    const rest = this.file.size - offset;
    if (rest >= BLOCK && rest < MAX_PADDING && isZero(await this.windows.read(offset, rest))) return;
    throw new TarProblem("the end of the pack", "must be two zero blocks with nothing behind them");
  }
}

/** Name and length of a member from its header block. */
function readHeader(block: Bytes, offset: number): { path: string; bytes: number } {
  const place = `the tar header at byte ${offset}`;
  // The field of the checksum itself counts as spaces.
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += block[at];
  if (octal(block.subarray(148, 156)) !== sum) throw new TarProblem(place, "its checksum is wrong");
  const prefix = text(block.subarray(345, 500));
  const name = text(block.subarray(0, 100));
  const path = prefix === "" ? name : `${prefix}/${name}`;
  const magic = text(block.subarray(257, 265));
  const isFile = block[156] === 0x30 || block[156] === 0;
  // "ustar" and a zero, then "00": the standard of 1988 and none of its dialects.
  if (magic !== "ustar" || block[263] !== 0x30 || block[264] !== 0x30 || !isFile) {
    throw new TarProblem(excerpt(path), "is not an ordinary ustar file");
  }
  const problem = nameProblem(path);
  if (problem !== null) throw new TarProblem(place, `the name ${JSON.stringify(excerpt(path))}: ${problem}`);
  const bytes = octal(block.subarray(124, 136));
  if (bytes === null) throw new TarProblem(path, "its length is not an octal number");
  return { path, bytes };
}

/** Why a name cannot stand in a pack: it must be the same file on every system, and never outside the folder. */
export function nameProblem(path: string): string | null {
  if (path.length === 0 || path.length > MAX_PATH) return "a name has 1 to 100 bytes";
  if (!/^[A-Za-z0-9._/-]+$/.test(path)) return "a name has only ASCII letters, digits, '.', '_', '-' and '/'";
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    return "a name is relative and has no empty, '.' or '..' part";
  }
  return null;
}

function isZero(bytes: Bytes): boolean {
  return bytes.every((byte) => byte === 0);
}

/** A field up to its first zero. */
function text(field: Bytes): string {
  const end = field.indexOf(0);
  return fromUtf8(end < 0 ? field : field.subarray(0, end)) ?? "\u{fffd}";
}

function octal(field: Bytes): number | null {
  const digits = text(field).trim();
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : null;
}
