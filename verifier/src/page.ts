// The page: takes the pack and what the auditor brings along, runs the verification, shows how far it is.
//
// Must not read a key from the pack, and must not remember anything.

import { Problem } from "./bytes.ts";
import { type Key, parseKey } from "./key.ts";
import { MAX_NOTE_BYTES, parseCheckpoint } from "./note.ts";
import { type Policy, parsePolicy } from "./policy.ts";
import { Stopped, type Trust, verify } from "./verify.ts";
import { drawReport, headline } from "./view.ts";

/** Work goes on for so long before the page may draw and answer, in milliseconds. */
const SLICE = 40;

const byId = <T extends HTMLElement>(id: string): T => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found as T;
};
const form = byId<HTMLFormElement>("form");
const drop = byId("drop");
const file = byId<HTMLInputElement>("file");
const key = byId<HTMLTextAreaElement>("key");
const policy = byId<HTMLTextAreaElement>("policy");
const known = byId<HTMLInputElement>("known");
const start = byId<HTMLButtonElement>("verify");
const stop = byId<HTMLButtonElement>("stop");
const working = byId("working");
const progress = byId<HTMLProgressElement>("progress");
const doing = byId("doing");
const status = byId("status");
const result = byId("result");

let stopped = false;

/** Shows a problem at its field, where a screen reader finds it. Answers whether there was one. */
function complain(field: HTMLElement, problem: string | null): boolean {
  const line = byId(`${field.id}-error`);
  line.textContent = problem ?? "";
  line.hidden = problem === null;
  if (problem === null) field.removeAttribute("aria-invalid");
  else field.setAttribute("aria-invalid", "true");
  return problem !== null;
}

/** Runs `read`; its problem is shown at the field. */
async function read<T>(field: HTMLElement, work: () => Promise<T> | T): Promise<T | null> {
  try {
    const value = await work();
    complain(field, null);
    return value;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    complain(field, error.message);
    return null;
  }
}

/** The keys of the log; a policy may bring them too. */
function readKeys(witnesses: Policy | null): Key[] {
  const lines = key.value.split("\n").map((line) => line.trim());
  const keys = lines.filter((line) => line !== "").map(parseKey);
  if (keys.length === 0 && (witnesses === null || witnesses.logs.length === 0)) {
    throw new Problem("Give the verification key of the log. A key inside the pack proves nothing.");
  }
  const witness = keys.find(({ kind }) => kind !== "note");
  if (witness !== undefined) throw new Problem(`${witness.name} is the key of a witness; it belongs to the witnesses`);
  return keys;
}

function readPolicy(): Policy | null {
  return policy.value.trim() === "" ? null : parsePolicy(policy.value);
}

async function readKnown(): Promise<Trust["known"]> {
  const read: Trust["known"] = [];
  for (const one of known.files ?? []) {
    if (one.size > MAX_NOTE_BYTES) throw new Problem(`${one.name} is too large for a checkpoint`);
    try {
      read.push({ name: one.name, checkpoint: parseCheckpoint(new Uint8Array(await one.arrayBuffer())) });
    } catch (error) {
      throw error instanceof Problem ? new Problem(`${one.name}: ${error.message}`) : error;
    }
  }
  return read;
}

/** What the fields say; null if one of them says nothing usable, and the first such one has the focus. */
async function readForm(): Promise<{ pack: File; trust: Trust } | null> {
  const pack = file.files?.[0] ?? null;
  complain(file, pack === null ? "Choose a pack." : null);
  const witnesses = await read(policy, readPolicy);
  const keys = await read(key, () => readKeys(witnesses));
  const heads = await read(known, readKnown);
  const wrong = form.querySelector<HTMLElement>('[aria-invalid="true"]');
  if (wrong !== null || pack === null || keys === null || heads === null) {
    const details = wrong?.closest("details");
    if (details) details.open = true;
    wrong?.focus();
    return null;
  }
  return { pack, trust: { keys, policy: witnesses, known: heads } };
}

/** Lets the page draw and answer. A timer would be slowed down in a tab that nobody looks at. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

function watcher(): (what: string, done: number, total: number) => Promise<void> {
  let last = performance.now();
  return async (what, done, total) => {
    if (performance.now() - last < SLICE) return;
    doing.textContent = what;
    // Said when the kind of work changes, and not with every step.
    if (status.textContent !== what) status.textContent = what;
    progress.value = total === 0 ? 1 : done / total;
    await pause();
    last = performance.now();
    if (stopped) throw new Stopped();
  };
}

async function run(): Promise<void> {
  const given = await readForm();
  if (given === null) return;
  stopped = false;
  result.hidden = true;
  working.hidden = false;
  stop.hidden = false;
  start.disabled = true;
  progress.value = 0;
  try {
    const { report, pack } = await verify(given.pack, given.pack.name, given.trust, watcher());
    byId("outcome").textContent = headline(report);
    byId("report").replaceChildren(drawReport(report, pack));
    result.dataset.outcome = report.outcome();
    result.hidden = false;
    status.textContent = "";
    byId("outcome").focus();
  } finally {
    working.hidden = true;
    stop.hidden = true;
    start.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void run();
});
stop.addEventListener("click", () => {
  stopped = true;
});
// A file that misses the field must not replace the page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
document.addEventListener("dragover", () => drop.classList.add("over"));
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  const files = event.dataTransfer?.files;
  if (files === undefined || files.length === 0) return;
  file.files = files;
  complain(file, files.length > 1 ? "Drop one pack at a time; the first one is taken." : null);
});
