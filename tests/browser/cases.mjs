// Packs to judge: good ones, damaged ones, and ones of somebody who has the log's secret key.
//
// Each has a name, how it is made, and what must find it: a check of the page and the place that it names. Without
// that it must hold.
import {
  WITNESSES, appended, changed, contentOf, cosigned, edited, event, first, flip, headOf, next, policyOf, rebundled, relisted,
  replaced, resigned, rotated, signature, stamped, text, tileOf, token, unlisted, victim,
} from "./changes.mjs";
import { bundle, bundleOf, headText, keyOf, leafOf, list, member, pack, prove, relog } from "./pack.mjs";

const stranger = ({ key }) => keyOf(key.name, Buffer.alloc(32, 9));
const other = keyOf("other.example/log", Buffer.alloc(32, 8));
const OTHER_ORG = "01a21f71-2bc5-74f2-aa49-000000000000";
/** A hash that no log has. */
const ZEROS = Buffer.alloc(32).toString("base64");
const other64 = (digit) => (digit === "A" ? "B" : "A");
/** Another first digit of a text, be it base64 or hexadecimal. */
const otherDigit = (shown, member) =>
  shown.replace(new RegExp(`("${member}":")(.)`), (_, before, digit) => before + (digit === "0" ? "1" : "0"));
const tokenOf = ({ size }) => `log/timestamps/${size}.tst`;

const holds = (name, make) => ({ name, make: as(make) });
const fails = (name, check, place, make) => ({
  name,
  make: as(make),
  finds: (scene) => [check, typeof place === "function" ? place(scene) : place],
});
const as = (make) => (scene) => {
  const made = make(scene);
  return Buffer.isBuffer(made) ? { tar: made } : made;
};

const TAR = [
  holds("as it came", ({ tar }) => tar),
  holds("a large file", (s) => edited(s, (files) => files.set("populations/large.csv", Buffer.alloc(24 << 20)))),
  fails("cut off in a file", "tar", /./, (s) => s.tar.subarray(0, contentOf(s, "pack.json") - 700)),
  fails("cut off before its end", "tar", "the end of the pack", ({ tar }) => tar.subarray(0, tar.length - 1024)),
  fails("bytes behind its end", "tar", "the end of the pack", ({ tar }) => Buffer.concat([tar, Buffer.alloc(512, "x")])),
  fails("bytes behind a file", "tar", "keys/history", (s) => flip(s.tar, contentOf(s, "keys/history") + 511)),
  fails("a header changed", "tar", /^the tar header at byte \d+$/, (s) => flip(s.tar, contentOf(s, "keys/history") - 411)),
  fails("a link", "tar", "populations/link", ({ files }) => pack(files, member("populations/link", Buffer.alloc(0), "2"))),
  fails("a name that leaves the folder", "tar", /header/, ({ files }) => pack(files, member("../out", Buffer.from("x")))),
  fails("a file twice", "tar", "README.txt", ({ files }) => pack(files, member("README.txt", Buffer.from("x")))),
  fails("no byte at all", "tar", "the end of the pack", () => Buffer.alloc(0)),
  fails("no file at all", "files", "pack.json", () => Buffer.alloc(1024)),
];

const FILES = [
  fails("a file removed", "files", "populations/changes.csv", (s) =>
    unlisted(s, (files) => files.delete("populations/changes.csv"))),
  fails("a file added", "files", "populations/extra.csv", (s) =>
    unlisted(s, (files) => files.set("populations/extra.csv", Buffer.from("a,b\n")))),
  fails("a table changed", "files", "populations/changes.csv", (s) =>
    unlisted(s, (files) => files.set("populations/changes.csv", Buffer.from("a,b\n")))),
  fails("no pack.json", "files", "pack.json", (s) => unlisted(s, (files) => files.delete("pack.json"))),
  fails("pack.json of another size", "files", "pack.json", (s) => relisted(s, { size: s.size + 1 })),
  fails("pack.json of another organisation", "files", "pack.json", (s) => relisted(s, { org: OTHER_ORG })),
  fails("pack.json of another format", "files", "pack.json", (s) => relisted(s, { format: "comptroller-pack/v2" })),
  fails("pack.json with a member too many", "files", "pack.json", (s) => relisted(s, { verdict: "fine" })),
];

const SIGNATURES = [
  fails("another key", "signature", "log/checkpoint", (s) => ({ tar: s.tar, key: stranger(s).vkey })),
  fails("a key of another log", "signature", "log/checkpoint", (s) => ({ tar: s.tar, key: other.vkey })),
  fails("the head's signature changed", "signature", "log/checkpoint", (s) =>
    edited(s, (files) => text(files, "log/checkpoint", (head) => signature(head, (bytes) => flip(bytes, 30))))),
  fails("the head's root changed", "signature", "log/checkpoint", (s) =>
    edited(s, (files) =>
      text(files, "log/checkpoint", (head) => head.replace(/\n.(.{42}=)\n\n/, (found, rest) => `\n${other64(found[1])}${rest}\n\n`)))),
  fails("a head that only a key of another log signed", "signature", "log/checkpoint", (s) => ({
    tar: edited(s, (files) => {
      const head = headText(s.key.name, s.entries);
      files.set("log/checkpoint", Buffer.from(`${head}\n${other.note(head)}`));
    }),
    key: other.vkey,
  })),
  fails("no head", "signature", "log/checkpoint", (s) => edited(s, (files) => files.delete("log/checkpoint"))),
  holds("an earlier head of this history", (s) =>
    edited(s, (files) => files.set("log/checkpoints/7", Buffer.from(headOf(s, s.entries.slice(0, 7)))))),
  fails("an earlier head of another history", "earlier", "log/checkpoints/7", (s) =>
    edited(s, (files) => files.set("log/checkpoints/7", Buffer.from(headOf(s, s.entries.slice(1, 8)))))),
  fails("an earlier head that a stranger signed", "earlier", "log/checkpoints/7", (s) =>
    edited(s, (files) => files.set("log/checkpoints/7", Buffer.from(headOf(s, s.entries.slice(0, 7), stranger(s)))))),
  holds("a checkpoint that was kept", (s) => ({ tar: s.tar, known: [headOf(s, s.entries), headOf(s, s.entries.slice(0, 3))] })),
  fails("a kept checkpoint of another history", "known", "known-0", (s) => ({
    tar: s.tar, known: [headOf(s, s.entries.slice(1, 8))],
  })),
  fails("a kept checkpoint of a longer log", "known", "known-0", (s) => ({
    tar: s.tar, known: [headOf(s, [...s.entries, s.entries[0]])],
  })),
  holds("two of three witnesses, as asked for", (s) => ({ tar: cosigned(s, WITNESSES.slice(0, 2)), policy: policyOf("two") })),
  holds("no witness, and none asked for", (s) => ({ tar: s.tar, policy: policyOf("none") })),
  fails("one witness of two asked for", "witnesses", "log/checkpoint", (s) => ({
    tar: cosigned(s, WITNESSES.slice(0, 1)), policy: policyOf("two"),
  })),
  fails("a witness's signature changed", "witnesses", "log/checkpoint", (s) => ({
    tar: cosigned(s, WITNESSES, (line) => signature(line, (bytes) => flip(bytes, 40))), policy: policyOf("none"),
  })),
  fails("a witness's time changed", "witnesses", "log/checkpoint", (s) => ({
    tar: cosigned(s, WITNESSES, (line) => signature(line, (bytes) => flip(bytes, 11))), policy: policyOf("two"),
  })),
];

const LOG = [
  fails("an entry's byte flipped", "entries", (s) => `entry ${victim(s) - (victim(s) % 256)}`, (s) =>
    flip(s.tar, contentOf(s, bundleOf(s.size, victim(s))) + 40)),
  fails("an entry's byte flipped, and listed so", "entries", (s) => `entry ${victim(s)}`, (s) =>
    rebundled(s, victim(s), (entries) => entries.with(victim(s), flip(entries[victim(s)], 60)))),
  fails("two entries in the other order", "entries", (s) => `entry ${victim(s)}`, (s) =>
    rebundled(s, victim(s), (entries) =>
      entries.with(victim(s), s.entries[victim(s) + 1]).with(victim(s) + 1, s.entries[victim(s)]))),
  fails("an entry dropped from the end", "entries", ({ size }) => bundleOf(size, size - 1), (s) =>
    edited(s, (files) =>
      files.set(bundleOf(s.size, s.size - 1), bundle(s.entries.slice(s.size - (s.size % 256), -1))))),
  fails("a bundle removed", "entries", ({ size }) => bundleOf(size, 0), (s) =>
    edited(s, (files) => files.delete(bundleOf(s.size, 0)))),
  fails("a tile removed", "tiles", ({ size }) => tileOf(size, 0), (s) =>
    edited(s, (files) => files.delete(tileOf(s.size, 0)))),
  fails("a hash of a tile changed", "tiles", ({ size }) => tileOf(size, 0), (s) =>
    edited(s, (files) => files.set(tileOf(s.size, 0), flip(files.get(tileOf(s.size, 0)), 33)))),
  fails("a hash of an upper tile changed", "tiles", /^log\/tile\/1\//, (s) =>
    edited(s, (files) => files.set(first(files, "log/tile/1/"), flip(files.get(first(files, "log/tile/1/")), 3)))),
  fails("a second history of the same size, signed", "entries", "log/checkpoint", (s) =>
    pack(relog(s.files, s.entries, [s.key], (head) => head.replace(/\n[^\n]+=\n$/, `\n${ZEROS}\n`)))),
];

const ENTRIES = [
  holds("made anew with the same key", (s) => resigned(s, (entries) => entries)),
  holds("one entry, signed", (s) => resigned(s, (entries) => entries.slice(0, 1))),
  holds("one full bundle, signed", (s) => resigned(s, (entries) => entries.slice(0, 256))),
  holds("odd but right texts and numbers, signed", (s) =>
    appended(s, event(s, "x.y", {
      "\u{e000}": 0.1, "\u{10000}": 1e-7, "\u00e9": "\u2028\u0001\t\"\\/", ["__proto__"]: -17, "": [true, null, 5e-324],
    }))),
  fails("a stream with a gap, signed", "streams", (s) => `entry ${victim(s)}`, (s) =>
    resigned(s, (entries) => entries.toSpliced(victim(s), 1))),
  fails("an entry twice, signed", "streams", "entry 20", (s) => resigned(s, (entries) => entries.toSpliced(20, 0, entries[19]))),
  fails("stream heads that are not true, signed", "heads", ({ size }) => `entry ${size}`, (s) =>
    appended(s, event(s, "ledger.stream_heads", { size: s.size, streams: 1, root: "00".repeat(32) }))),
  fails("a time that goes back, signed", "times", "entry 30", (s) =>
    replaced(s, 30, (entry) => changed(entry, { recorded_at: 1 }))),
  fails("another organisation, signed", "form", "entry 30", (s) =>
    replaced(s, 30, (entry) => changed(entry, { org: OTHER_ORG }))),
  fails("an entry with a space, signed", "form", "entry 30", (s) =>
    replaced(s, 30, (entry) => Buffer.from(entry.toString().replace(",", ", ")))),
  fails("an entry with a member twice, signed", "form", "entry 30", (s) =>
    replaced(s, 30, (entry) => Buffer.from(entry.toString().replace(/}$/, ',"v":1}')))),
  fails("an entry with an unknown member, signed", "form", "entry 30", (s) =>
    replaced(s, 30, (entry) => changed(entry, { w: 1 }))),
  fails("an entry of another version, signed", "form", "entry 30", (s) =>
    replaced(s, 30, (entry) => changed(entry, { v: 2 }))),
  fails("an entry with half a character, signed", "form", ({ size }) => `entry ${size}`, (s) =>
    appended(s, Buffer.from(event(s, "x.y", { a: "b" }).toString().replace('"a":"b"', '"a":"\\ud800"')))),
  fails("an entry with a number too large, signed", "form", ({ size }) => `entry ${size}`, (s) =>
    appended(s, Buffer.from(event(s, "x.y", { a: 1 }).toString().replace('"a":1', '"a":9007199254740993')))),
  fails("an entry with a number written otherwise, signed", "form", ({ size }) => `entry ${size}`, (s) =>
    appended(s, Buffer.from(event(s, "x.y", { a: 1 }).toString().replace('"a":1', '"a":1.0')))),
  fails("an entry nested too deep, signed", "form", ({ size }) => `entry ${size}`, (s) =>
    appended(s, event(s, "x.y", { a: JSON.parse("[".repeat(33) + "]".repeat(33)) }))),
];

const BESIDE = [
  fails("a payload changed", "openings", ({ files }) => first(files, "openings/"), (s) =>
    edited(s, (files) =>
      text(files, first(files, "openings/"), (shown) => shown.replace(/"payload":"[^"]*"/, '"payload":"b3RoZXI="')))),
  fails("a payload of the same length", "openings", ({ files }) => first(files, "openings/"), (s) =>
    edited(s, (files) =>
      text(files, first(files, "openings/"), (shown) => otherDigit(shown, "payload")))),
  fails("another salt", "openings", ({ files }) => first(files, "openings/"), (s) =>
    edited(s, (files) =>
      text(files, first(files, "openings/"), (shown) => otherDigit(shown, "salt")))),
  fails("a payload at another entry", "openings", "openings/0.json", (s) =>
    edited(s, (files) => files.set("openings/0.json", files.get(first(files, "openings/"))))),
  fails("a payload of no entry", "openings", "openings/999999.json", (s) =>
    edited(s, (files) => files.set("openings/999999.json", Buffer.from("[]")))),
  fails("a proof's hash changed", "proofs", ({ files }) => first(files, "proofs/"), (s) =>
    edited(s, (files) =>
      text(files, first(files, "proofs/"), (proof) => proof.replace(/\n[^\n]{43}=\n/, `\n${ZEROS}\n`)))),
  fails("a proof with a hash too many", "proofs", ({ files }) => first(files, "proofs/"), (s) =>
    edited(s, (files) =>
      text(files, first(files, "proofs/"), (proof) => proof.replace("\n\n", `\n${ZEROS}\n\n`)))),
  fails("a proof at another entry", "proofs", "proofs/0.tlog-proof", (s) =>
    edited(s, (files) => files.set("proofs/0.tlog-proof", files.get(first(files, "proofs/"))))),
  fails("a proof whose head a stranger signed", "proofs", ({ files }) => first(files, "proofs/"), (s) =>
    edited(s, (files) =>
      text(files, first(files, "proofs/"), (proof) =>
        `${proof.slice(0, proof.indexOf("\n\n") + 2)}${headOf(s, s.entries, stranger(s))}`))),
  fails("a proof of another log", "proofs", "proofs/0.tlog-proof", (s) =>
    edited(s, (files) => {
      const hashes = prove(s.entries.map(leafOf), 0).map((hash) => `${hash.toString("base64")}\n`).join("");
      const head = headOf(s, s.entries, other);
      files.set("proofs/0.tlog-proof", Buffer.from(`c2sp.org/tlog-proof@v1\nindex 0\n${hashes}\n${head}`));
    })),
  fails("no key history", "keys", "keys/history", (s) => edited(s, (files) => files.delete("keys/history"))),
  fails("a key that nobody vouches for", "keys", "keys/history", (s) =>
    edited(s, (files) => text(files, "keys/history", (history) => `${history}key ${next(s).vkey} from 40\n`))),
  holds("a change of keys", (s) => pack(rotated(s))),
  holds("a change of keys, and the new key given", (s) => ({ tar: pack(rotated(s)), key: next(s).vkey })),
  fails("a change of keys that the old key did not sign", "keys", ({ size }) => `entry ${size}`, (s) =>
    pack(rotated(s, (data) => ({ ...data, old_signature: data.new_signature })))),
  fails("a change of keys at another size than was signed", "keys", ({ size }) => `entry ${size}`, (s) =>
    pack(rotated(s, (data) => ({ ...data, from_size: data.from_size + 1 })))),
  fails("a change of keys that the history lacks", "keys", "keys/history", (s) =>
    pack(list(rotated(s).set("keys/history", s.files.get("keys/history"))))),
];

const TIME_STAMPS = [
  holds("a time-stamp by an elliptic curve", (s) => stamped(s, "ec")),
  holds("a time-stamp by RSA", (s) => stamped(s, "rsa")),
  fails("a time-stamp of other bytes", "stamps", tokenOf, (s) => stamped(s, "ec", (bytes) => bytes, "other")),
  fails("a time-stamp whose signature was changed", "stamps", tokenOf, (s) =>
    stamped(s, "ec", (bytes) => flip(bytes, bytes.length - 1))),
  fails("a time-stamp whose time was changed", "stamps", tokenOf, (s) =>
    // The tag of its time and the length, then the digits, of which the last is that of a second.
    stamped(s, "rsa", (bytes) => flip(bytes, bytes.indexOf(Buffer.from([0x18, 0x0f])) + 15))),
  fails("a time-stamp of no head", "stamps", "log/timestamps/3.tst", (s) =>
    edited(s, (files) => files.set("log/timestamps/3.tst", token(s, "other", "ec")))),
  fails("a time-stamp that the log did not record", "stamps", tokenOf, (s) => {
    const entries = [...s.entries, event(s, "ledger.timestamped", { size: s.size, token: "00".repeat(32) })];
    const files = relog(s.files, entries, [s.key]);
    files.set(`log/checkpoints/${s.size}`, Buffer.from(headOf(s, s.entries)));
    return pack(list(files.set(tokenOf(s), token(s, headText(s.key.name, s.entries), "ec"))));
  }),
  fails("a time-stamp older than its entries", "stamps", ({ size }) => tokenOf({ size: size + 1 }), (s) => {
    const entries = [...s.entries, event(s, "x.y", {}, { recorded_at: 4_000_000_000_000_000 })];
    const stamp = token(s, headText(s.key.name, entries), "ec");
    return pack(list(relog(s.files, entries, [s.key]).set(tokenOf({ size: s.size + 1 }), stamp)));
  }),
];

export const CASES = [TAR, FILES, SIGNATURES, LOG, ENTRIES, BESIDE, TIME_STAMPS].flat();
