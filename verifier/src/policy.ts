// What the auditor says about witnesses: a policy file (C2SP tlog-policy), or just their keys.
//
// A witness counts once: its key and its name stand in a policy once, and a name is in one group at most.

import { Problem, count, excerpt } from "./bytes.ts";
import { type Key, parseKey, sameKey } from "./key.ts";
import { type Checkpoint, type Verified, verifyNote } from "./note.ts";

const MAX_BYTES = 1 << 20;
const MAX_LINES = 256;

type Rule = { witness: Key } | { threshold: number; members: number[] };

export interface Policy {
  logs: Key[];
  rules: Rule[];
  /** The rule that must be satisfied; null if none must. */
  quorum: number | null;
}

/** Reads a policy; or keys of witnesses, one a line, each of which must then have cosigned. */
export function parsePolicy(text: string): Policy {
  if (text.length > MAX_BYTES) throw new Problem("the policy has more than 1048576 characters");
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  const words = lines.map((line) => line.split(/[ \t]+/).filter((word) => word !== ""));
  const used = words.filter((line) => line.length > 0 && !line[0].startsWith("#"));
  const bare = used.length > 0 && used.every((line) => line.length === 1 && line[0].includes("+"));
  const reader = new Reader();
  for (const [at, line] of words.entries()) {
    if (line.length === 0 || line[0].startsWith("#")) continue;
    try {
      if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(lines[at])) throw new Problem("a control character");
      reader.line(bare ? ["witness", `key ${at + 1}`, line[0]] : line);
    } catch (error) {
      throw error instanceof Problem ? new Problem(`line ${at + 1}: ${error.message}`) : error;
    }
  }
  if (bare) {
    reader.policy.rules.push({ threshold: used.length, members: used.map((_, at) => at) });
    reader.policy.quorum = used.length;
  } else if (!reader.hasQuorum) {
    throw new Problem("there is no quorum line; write 'quorum none' to ask for no witnesses");
  }
  return reader.policy;
}

class Reader {
  readonly policy: Policy = { logs: [], rules: [], quorum: null };
  hasQuorum = false;
  private readonly names = new Map<string, number>();
  private readonly members = new Set<number>();

  line(words: string[]): void {
    const [word, first, second, ...rest] = words;
    if (word === "log" && first !== undefined && rest.length === 0) this.log(first);
    else if (word === "witness" && second !== undefined && rest.length <= 1) this.witness(first, second);
    else if (word === "group" && second !== undefined && rest.length > 0) this.group(first, second, rest);
    else if (word === "quorum" && first !== undefined && second === undefined) this.quorum(first);
    else {
      throw new Problem(
        "expected 'log <vkey> [<url>]', 'witness <name> <vkey> [<url>]', 'group <name> <k|any|all> <member>...' or " +
          "'quorum <name|none>'",
      );
    }
  }

  private log(text: string): void {
    const key = parseKey(text);
    if (key.kind !== "note") throw new Problem("this is the key of a witness, not of a log");
    if (this.policy.logs.some((other) => samePoint(other, key))) throw new Problem("this key stands there before");
    if (this.policy.logs.length === MAX_LINES) throw new Problem(`more than ${MAX_LINES} logs`);
    this.policy.logs.push(key);
  }

  private witness(name: string, text: string): void {
    const key = parseKey(text);
    if (key.kind !== "cosignature") throw new Problem("this is the key of a log, not of a witness");
    const others = witnesses(this.policy);
    if (others.some((other) => samePoint(other, key))) throw new Problem("this key stands there before");
    if (others.length === MAX_LINES) throw new Problem(`more than ${MAX_LINES} witnesses`);
    this.define(name, { witness: key });
  }

  private group(name: string, threshold: string, members: string[]): void {
    const all = members.length;
    const needed = threshold === "any" ? 1 : threshold === "all" ? all : count(threshold);
    if (needed === null || needed < 1 || needed > all) {
      throw new Problem(`the threshold must be any, all or a number from 1 to ${all}`);
    }
    const places = members.map((member) => this.find(member));
    for (const [at, place] of places.entries()) {
      if (this.members.has(place)) throw new Problem(`${excerpt(members[at])} is in a group before`);
      this.members.add(place);
    }
    if (this.policy.rules.filter((rule) => "members" in rule).length === MAX_LINES) {
      throw new Problem(`more than ${MAX_LINES} groups`);
    }
    this.define(name, { threshold: needed, members: places });
  }

  private quorum(name: string): void {
    if (this.hasQuorum) throw new Problem("there is a quorum line before");
    this.hasQuorum = true;
    this.policy.quorum = name === "none" ? null : this.find(name);
  }

  private define(name: string, rule: Rule): void {
    if (name === "none" || this.names.has(name)) throw new Problem(`the name ${excerpt(name)} is taken`);
    this.names.set(name, this.policy.rules.length);
    this.policy.rules.push(rule);
  }

  private find(name: string): number {
    const place = this.names.get(name);
    if (place === undefined) throw new Problem(`the name ${excerpt(name)} is not defined above`);
    return place;
  }
}

function samePoint(one: Key, other: Key): boolean {
  return one.point.every((byte, at) => byte === other.point[at]);
}

export function witnesses(policy: Policy): Key[] {
  return policy.rules.flatMap((rule) => ("witness" in rule ? [rule.witness] : []));
}

/** The witnesses that cosigned a checkpoint. Fewer than the quorum asks for are a problem. */
export async function checkQuorum(policy: Policy, checkpoint: Checkpoint): Promise<Verified[]> {
  const known = witnesses(policy);
  const signed = await verifyNote(checkpoint.note, known);
  if (policy.quorum === null) return signed;
  // Members come before their groups, so one pass is enough.
  const satisfied: boolean[] = [];
  for (const rule of policy.rules) {
    satisfied.push(
      "witness" in rule
        ? signed.some(({ key }) => sameKey(key, rule.witness))
        : rule.members.filter((member) => satisfied[member]).length >= rule.threshold,
    );
  }
  if (satisfied[policy.quorum]) return signed;
  throw new Problem(`the quorum is not reached: ${signed.length} of ${known.length} known witnesses cosigned`);
}
