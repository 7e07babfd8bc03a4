// Reads DER (ITU-T X.690), as far as time-stamps need it: fields one after the other, nothing left unread.

import { type Bytes, Problem } from "./bytes.ts";

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[number]` around a constructed value. */
export const tagged = (number: number): number => 0xa0 | number;
/** `[number]` around a primitive value. */
export const taggedPrimitive = (number: number): number => 0x80 | number;

export interface Value {
  tag: number;
  content: Bytes;
  /** With tag and length. */
  raw: Bytes;
}

export class Fields {
  private at = 0;

  constructor(private readonly bytes: Bytes, private readonly part: string) {}

  /** The fields of the SEQUENCE that the bytes are, with nothing behind it. */
  static ofSequence(bytes: Bytes, part: string): Fields {
    const outer = new Fields(bytes, part);
    const inner = outer.inside(TAG.sequence, part);
    outer.end();
    return inner;
  }

  problem(text: string): Problem {
    return new Problem(`${this.part}: ${text}`);
  }

  isEmpty(): boolean {
    return this.at === this.bytes.length;
  }

  end(): void {
    if (!this.isEmpty()) throw this.problem("there are more fields than there may be");
  }

  any(): Value {
    const { bytes } = this;
    const start = this.at;
    const [tag, first] = [bytes[start], bytes[start + 1]];
    if (tag === undefined || first === undefined) throw this.problem("ends too early");
    if ((tag & 0x1f) === 0x1f) throw this.problem("has a tag of several bytes");
    let [length, head] = [first, 2];
    if (first >= 0x80) {
      const more = first & 0x7f;
      if (more === 0 || more > 4) throw this.problem("has a length that DER does not write");
      length = 0;
      for (let at = 0; at < more; at += 1) length = length * 256 + (bytes[start + 2 + at] ?? 0);
      // DER writes a length in as few bytes as it takes.
      if (length < 0x80 || length < 256 ** (more - 1)) throw this.problem("has a length that DER does not write");
      head += more;
    }
    const end = start + head + length;
    if (end > bytes.length) throw this.problem("ends too early");
    this.at = end;
    return { tag, content: bytes.slice(start + head, end), raw: bytes.slice(start, end) };
  }

  next(tag: number): Bytes {
    const value = this.any();
    if (value.tag !== tag) throw this.problem(`has tag ${value.tag} where ${tag} must stand`);
    return value.content;
  }

  /** The content of the next field if it has this tag; else the field stays unread. */
  optional(tag: number): Bytes | null {
    return this.bytes[this.at] === tag ? this.next(tag) : null;
  }

  /** The fields inside the next one. */
  inside(tag: number, part: string): Fields {
    return new Fields(this.next(tag), part);
  }

  /** An object identifier as dotted numbers. */
  oid(): string {
    const content = this.next(TAG.oid);
    const numbers: number[] = [];
    let number = 0;
    for (const byte of content) {
      if (number === 0 && byte === 0x80) throw this.problem("has an object identifier that DER does not write");
      number = number * 128 + (byte & 0x7f);
      if (byte < 0x80) {
        numbers.push(number);
        number = 0;
      }
    }
    if (content.length === 0 || content[content.length - 1] >= 0x80) {
      throw this.problem("has an object identifier that does not end");
    }
    const first = Math.min(2, Math.floor(numbers[0] / 40));
    return [first, numbers[0] - 40 * first, ...numbers.slice(1)].join(".");
  }

  /** An algorithm whose parameters are absent or NULL, the two ways to write that it has none. */
  algorithm(part: string): string {
    const fields = this.inside(TAG.sequence, part);
    const oid = fields.oid();
    if ((fields.optional(TAG.null)?.length ?? 0) > 0) throw fields.problem("NULL has no content");
    fields.end();
    return oid;
  }

  /** A small INTEGER that is not negative; null if the next field has another tag. */
  small(tag: number): number | null {
    const content = this.optional(tag);
    if (content === null) return null;
    if (content.length === 0 || content.length > 6 || content[0] > 0x7f) throw this.problem("a number is out of range");
    return content.reduce((number, byte) => number * 256 + byte, 0);
  }
}
