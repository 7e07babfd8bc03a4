// Notes, keys, policies, canonical JSON, entries, tars and times, against the examples of their specifications.
import assert from "node:assert/strict";
import { Blob } from "node:buffer";
import test from "node:test";
import { keyOf, member, pack } from "../../tests/browser/pack.mjs";
const {
  Pack, canonical, checkQuorum, counted, fromHex, isUsablePoint, micros, missingEd25519, nameProblem, parseCanonical, parseCheckpoint, parseEntry,
  parseKey, parseNote, parsePolicy, utf8, verifyMessage, verifyNote, witnesses,
} = await import(process.env.VERIFIER_LIBRARY ?? "../dist/library.mjs");

// The example of C2SP signed-note.
const VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE =
  "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
// The example of C2SP tlog-checkpoint.
const HEAD = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

test("Ed25519 is there and right", async () => {
  assert.equal(await missingEd25519(), null);
});

test("the example of signed-note verifies, and a known key must", async () => {
  const key = parseKey(VKEY);
  const [verified] = await verifyNote(parseNote(utf8(NOTE)), [key]);
  assert.equal(verified.key.text, VKEY);
  const other = parseNote(utf8(NOTE.replace("example message", "Example message")));
  await assert.rejects(verifyNote(other, [key]), /changed or forged/);
  assert.deepEqual(await verifyNote(other, []), []);
  // A second line by the same key, and wrong: the note is refused, although the first line is good.
  const line = NOTE.split("\n\n")[1];
  const twice = parseNote(utf8(NOTE + line.replace("Uw2QOkn8", "Uw2QOkn9")));
  await assert.rejects(verifyNote(twice, [key]), /changed or forged/);
  // The same name under another identifier is a stranger.
  const stranger = keyOf("example.com/foo", Buffer.alloc(32, 7));
  const both = parseNote(utf8(NOTE + stranger.note("This is an example message.\n")));
  assert.equal((await verifyNote(both, [key])).length, 1);
  assert.equal((await verifyNote(both, [key, parseKey(stranger.vkey)])).length, 2);
});

test("notes are read strictly", () => {
  const line = NOTE.split("\n\n")[1];
  assert.equal(parseNote(utf8(`a\n\nb\n\n${line}`)).text, "a\n\nb\n");
  for (const bad of [
    "text\n", "text\n\n", `text\r\n\n${line}`, `text\n\n${line.trimEnd()}`, `text\n\n${line.replace("\u2014", "-")}`,
    `text\n\n${line.replace("=\n", "\n")}`, `text\n\n${line.replace("example.com/foo", "exa+mple")}`,
    `text\n\n${line.replace("example.com/foo", "")}`, "text\n\n\u2014 a AAAAAA==\n", `text\n\n${line.repeat(101)}`,
  ]) {
    assert.throws(() => parseNote(utf8(bad)), undefined, bad.slice(0, 60));
  }
});

test("checkpoints are read strictly", () => {
  const signed = (text) => utf8(`${text}\n${NOTE.split("\n\n")[1]}`);
  const { origin, size } = parseCheckpoint(signed(HEAD));
  assert.deepEqual([origin, size], ["example.com/behind-the-sofa", 20852163]);
  assert.equal(parseCheckpoint(signed(`${HEAD}extension\n`)).size, 20852163);
  for (const bad of [
    HEAD.replace("2085", "02085"), HEAD.replace("2085", "+2085"), HEAD.replace("20852163", "0"), HEAD.replace("q2I=", "q2J="),
    HEAD.replace("20852163", "9223372036854775808"), `\n${HEAD}`, "a\n1\n",
  ]) {
    assert.throws(() => parseCheckpoint(signed(bad)), undefined, bad);
  }
});

test("keys are read strictly", () => {
  const refused = [
    VKEY.replace("/foo", "/fop"), VKEY.replace("+530d", "+530e"), VKEY.replace("+530d", "+530D"), VKEY.replace("+Aeky", "+Beky"),
    VKEY.slice(0, 60), `a b${VKEY}`, "", `\u2003${VKEY}`, VKEY.replace("example.com/foo", ""),
  ];
  for (const text of refused) assert.throws(() => parseKey(text), undefined, text);
  assert.equal(parseKey(keyOf("w", Buffer.alloc(32, 3), 4).vkey).kind, "cosignature");
});

test("points of small order are refused, whatever the browser does", async () => {
  const small = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  ];
  // And numbers beyond the field, and a number that is no point.
  const others = ["edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", `02${"00".repeat(31)}`];
  for (const text of [...small, ...others]) assert.equal(isUsablePoint(fromHex(text, 32)), false, text);
  assert.equal(isUsablePoint(parseKey(VKEY).point), true);
  // The signature of all zeros verifies under a key of order 1 where nobody looks.
  const weak = { ...parseKey(VKEY), point: fromHex(small[0], 32) };
  const forged = new Uint8Array(64);
  forged[0] = 1;
  assert.equal(await verifyMessage(weak, utf8("any"), forged), false);
});

test("policies count each witness once", async () => {
  const [one, two, three] = [1, 2, 3].map((number) => keyOf(`w.example/${number}`, Buffer.alloc(32, number), 4));
  const log = keyOf("example.com/log", Buffer.alloc(32, 9));
  const lines = [`log ${log.vkey}`, `witness a ${one.vkey} https://a.example`, `witness b ${two.vkey}`, `witness c ${three.vkey}`];
  const policy = (...more) => parsePolicy([...lines, ...more, ""].join("\n"));
  const text = HEAD.replace("example.com/behind-the-sofa", log.name);
  const head = (...signers) => parseCheckpoint(utf8(`${text}\n${log.note(text)}${signers.map((key) => key.cosign(text, 7)).join("")}`));
  const quorum = (rule, ...signers) => checkQuorum(policy(...rule), head(...signers));
  assert.equal((await quorum(["group g 2 a b c", "quorum g"], one, three)).length, 2);
  assert.equal((await quorum(["quorum none"])).length, 0);
  await assert.rejects(quorum(["group g 2 a b c", "quorum g"], one, one), /1 of 3/);
  await assert.rejects(quorum(["group g all a b c", "quorum g"], one, two), /2 of 3/);
  await assert.rejects(quorum(["group g any b c", "group h 2 a g", "quorum h"], one), /1 of 3/);
  assert.equal((await quorum(["group g any b c", "group h 2 a g", "quorum h"], one, two)).length, 2);
  for (const bad of [
    [], ["quorum none", "quorum none"], ["quorum d"], ["group g 3 a b", "quorum g"], ["group g 0 a", "quorum g"], ["group g 1 a a", "quorum g"],
    [`witness d ${one.vkey}`, "quorum none"], [`witness a ${log.vkey}`, "quorum none"], [`log ${one.vkey}`, "quorum none"],
    ["group g any a", "group h any a", "quorum h"], ["witness none x", "quorum none"], ["group", "quorum none"], ["x", "quorum none"],
  ]) {
    assert.throws(() => policy(...bad), undefined, bad.join("; "));
  }
  // Keys alone: each must have cosigned.
  const keys = parsePolicy(`${one.vkey}\n\n${two.vkey}\n`);
  assert.equal(witnesses(keys).length, 2);
  assert.equal((await checkQuorum(keys, head(one, two, three))).length, 2);
  await assert.rejects(checkQuorum(keys, head(one)), /1 of 2/);
  assert.throws(() => parsePolicy(`${one.vkey}\n${one.vkey}\n`), /line 2/);
});

test("canonical JSON is that of RFC 8785", () => {
  const numbers = JSON.parse('{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]}');
  assert.equal(canonical(numbers), '{"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}');
  const string = JSON.parse('{"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"}');
  assert.equal(canonical(string), '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
  const sorted = { "\u20ac": 1, "\r": 2, "\ufb33": 3, 1: 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7 };
  assert.deepEqual(canonical(sorted).match(/\d(?=[,}])/g).join(""), "2467153");
  assert.throws(() => canonical({ a: "\udc00" }), /half a character/);
  for (const bad of ['{"b":1,"a":2}', '{"a":1,"a":1}', '{"a": 1}', '{"a":1.0}', '{"a":-0}', "[1,]", "\ufeff{}", '{"a":"\\u0041"}']) {
    assert.throws(() => parseCanonical(utf8(bad)), undefined, bad);
  }
});

test("entries are bounded in every field", () => {
  const entry = {
    actor: "a", commitments: [{ digest: "0".repeat(64), length_bucket: 64, media_type: "text/plain", name: "n" }], data: {},
    occurred_at: -1, org: "01a21f71-2bc5-74f2-aa49-b8f808ae2fc7", recorded_at: 1, stream: "org", stream_seq: 0, subjects: ["s"], type: "t.t", v: 1,
  };
  const [commitment] = entry.commitments;
  const read = (change) => parseEntry(utf8(canonical({ ...entry, ...change })));
  assert.equal(read({}).recordedAt, 1);
  assert.equal(read({ idempotency_key: "k" }).kind, "t.t");
  for (const change of [
    { v: 2 }, { org: "x" }, { org: entry.org.toUpperCase() }, { actor: "" }, { actor: "é".repeat(257) }, { actor: "a\u0085" }, { type: 1 },
    { stream_seq: -1 }, { stream_seq: 0.5 }, { recorded_at: 2 ** 53 }, { subjects: "s" }, { subjects: [1] }, { data: [] }, { data: null },
    { idempotency_key: null }, { extra: 1 }, { commitments: [commitment, commitment] }, { commitments: [{ ...commitment, length_bucket: 32 }] },
    { commitments: [{ ...commitment, length_bucket: 96 }] }, { commitments: [{ ...commitment, digest: "A".repeat(64) }] },
    { commitments: [{ ...commitment, x: 1 }] },
  ]) {
    assert.throws(() => read(change), undefined, JSON.stringify(change).slice(0, 80));
  }
});

test("tars are read whatever the size of their files", async () => {
  const large = Buffer.alloc((5 << 20) + 7, "x");
  const files = new Map([["a/one", Buffer.from("1")], ["a/none", Buffer.alloc(0)], ["b", large], ["c", Buffer.alloc(512, "y")]]);
  const read = new Pack(new Blob([pack(files)]));
  let told = 0;
  await read.index((done) => { told = done; });
  assert.deepEqual(read.names(), ["a/none", "a/one", "b", "c"]);
  for (const [name, content] of files) assert.ok(content.equals(await read.read(name, 1 << 30)), name);
  assert.ok(told > large.length);
  assert.equal(await read.read("d", 1), null);
  await assert.rejects(read.read("b", 1 << 20), /at most/);
});

test("tars with more than plain files are refused", async () => {
  const open = (tar) => new Pack(new Blob([tar])).index(() => {});
  for (const [tar, problem] of [
    [pack(new Map(), member("x", Buffer.alloc(0), "5")), /ordinary/],
    [pack(new Map(), member("x", Buffer.alloc(0), "x")), /ordinary/],
    [pack(new Map(), member("/x", Buffer.alloc(0))), /relative/],
    [pack(new Map(), member("x\\y", Buffer.alloc(0))), /ASCII/],
    [pack(new Map([["x", Buffer.alloc(9)]])).subarray(0, 1024), /cut off/],
    [Buffer.concat([pack(new Map()), Buffer.alloc(2 << 20)]), /two zero blocks/],
  ]) {
    await assert.rejects(open(tar), problem);
  }
  await open(Buffer.concat([pack(new Map()), Buffer.alloc(8192)]));
  for (const name of ["", "a//b", "./a", "a/..", "a/", "é", "a b", "x".repeat(101)]) assert.notEqual(nameProblem(name), null, name);
  assert.equal(nameProblem("log/tile/entries/000.p/61"), null);
});

test("what is counted is named", () => {
  assert.deepEqual([counted(1, "entry"), counted(2, "entry"), counted(2, "key"), counted(0, "file")], ["1 entry", "2 entries", "2 keys", "0 files"]);
});

test("times of authorities are read to the microsecond, and odd ones refused", () => {
  assert.equal(micros("19700101000000Z"), 0);
  assert.equal(micros("20260728010203Z"), 1_785_200_523_000_000);
  assert.equal(micros("20260728010203.5Z"), 1_785_200_523_500_000);
  assert.equal(micros("20260728010203.1234567Z"), 1_785_200_523_123_456);
  for (const bad of [
    "20260728010203", "202607280102Z", "20260728010203.Z", "20260728010203.10Z", "20260728010203,1Z", "20260728010203+0100", "20261328010203Z",
    "20260230010203Z", "20260728240000Z", "+2260728010203Z", "Z", "",
  ]) {
    assert.equal(micros(bad), null, bad);
  }
});
