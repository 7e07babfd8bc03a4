// Draws a report as page elements.
//
// Must not make HTML of texts: whatever stands in a pack is put in as text, with everything made visible that could
// steer how it is shown.

import { type Check, type Report, type State, counted } from "./report.ts";
import type { Pack } from "./tar.ts";
import { moment } from "./time.ts";

const WORDS: Record<State, string> = {
  holds: "holds",
  fails: "does not hold",
  unchecked: "not checked",
  absent: "nothing to check",
};
/** Items of a list that are drawn: a pack that was made to be long must not make the page stand still. */
const LISTED = 300;
/** Facts of one kind in the list of contents, and checks that are named in one line. */
const SHOWN = 4;

type Child = Node | string | null;

export function element(name: string, attributes: Record<string, string>, ...children: Child[]): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  for (const child of children) if (child !== null) made.append(typeof child === "string" ? clean(child) : child);
  return made;
}

/** Control characters, and those by which a text is shown in another order than it stands, become visible. */
export function clean(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\u{fffd}");
}

/** The one line that says what came of it. */
export function headline(report: Report): string {
  const outcome = report.outcome();
  if (outcome === "fails") return "This pack does not hold";
  if (outcome === "incomplete") return "Not everything could be checked";
  return "This pack holds, as far as it was checked";
}

export function drawReport(report: Report, pack: Pack): HTMLElement {
  return element(
    "div",
    {},
    drawOutcome(report),
    element("h3", {}, "Checks"),
    element("ul", { class: "checks" }, ...[...report.checks.values()].map(drawCheck)),
    element("h3", {}, "What is in the pack"),
    drawContents(report),
    drawKinds(report),
    drawFiles(pack),
  );
}

function drawOutcome(report: Report): HTMLElement {
  const outcome = report.outcome();
  const [holding, failing, open] = [report.of("holds"), report.of("fails"), report.of("unchecked")];
  const box = element("div", { class: `outcome ${outcome}` });
  const line = (text: string) => box.append(element("p", {}, text));
  if (report.ended !== null) line(report.ended);
  if (failing.length > 0) {
    const remedy = "Do not rely on this pack: compare it with another copy, and tell whoever handed it over.";
    line(`${counted(failing.length, "check")} did not hold, see below. ${remedy}`);
    const first = failing.map((check) => element("li", {}, element("b", {}, check.title), ": ", drawFinding(check)));
    box.append(element("ul", {}, ...first));
    if (failing.length > 1) line("One cause can show in several checks.");
  } else if (outcome === "holds") {
    line(`${counted(holding.length, "check")} were made and hold, with the key that you gave.`);
    line(
      "Nobody signed what was computed from the entries: the files in controls/ and populations/. The commands " +
        "comptroller control test and comptroller policy recheck make them again and name every difference.",
    );
  } else {
    line("No check that was made failed. That alone shows nothing: read below what was not checked.");
  }
  // Titles say what a check is about; without quotes they would read as facts.
  const titles = (checks: Check[]) =>
    checks.length > SHOWN ? `${checks.length} others, see below` : checks.map(({ title }) => `\u201c${title}\u201d`).join(", ");
  if (open.length > 0) line(`Not checked: ${titles(open)}.`);
  if (outcome === "holds") line(`Nothing to check, in the pack or from you: ${titles(report.of("absent"))}.`);
  return box;
}

function drawFinding(check: Check): HTMLElement | null {
  const [first] = check.findings;
  if (first === undefined) return null;
  const more = check.found > 1 ? ` (and ${check.found - 1} more)` : "";
  return element("span", {}, element("span", { class: "code" }, first.place), ` ${first.problem}${more}`);
}

function drawCheck(check: Check): HTMLElement {
  const words = element("div", {}, element("div", { class: "title" }, check.title));
  // What it means must not be read as a fact where it does not hold.
  const meaning = check.state === "holds" ? check.meaning : `When it holds: ${check.meaning}`;
  words.append(element("p", { class: "dim" }, meaning), element("p", {}, check.note));
  if (check.findings.length > 0) {
    const items = check.findings.map(({ place, problem }) =>
      element("li", {}, element("span", { class: "code" }, place), ` ${problem}`),
    );
    const left = check.found - check.findings.length;
    if (left > 0) items.push(element("li", {}, `and ${left} more`));
    words.append(element("ul", { class: "findings" }, ...items));
  }
  const mark = element("span", { class: `mark ${check.state}` }, WORDS[check.state]);
  return element("li", { "data-check": check.id, "data-state": check.state }, mark, words);
}

function drawContents({ contents }: Report): HTMLElement {
  const list = element("dl", {});
  const row = (name: string, ...values: string[]) => {
    if (values.length === 0 || values[0] === "") return;
    list.append(element("dt", {}, name), ...values.map((value) => element("dd", {}, value)));
  };
  const span = (from: number | null, until: number | null) =>
    from === null || until === null ? "" : `${moment(from)} to ${moment(until)}`;
  const { period } = contents;
  row("File", `${contents.fileName}, ${contents.fileBytes.toLocaleString("en")} bytes`);
  if (contents.manifest !== "") row("pack.json", `SHA-256 ${contents.manifest}; it lists those of all other files`);
  row("Your key", ...contents.given);
  row("Log", contents.origin);
  row("Organisation", contents.org);
  if (contents.root !== "") row("Entries", `${contents.size.toLocaleString("en")}, in ${counted(contents.streams, "stream")}`);
  row("Root", contents.root);
  row("Recorded", span(contents.firstRecordedAt, contents.lastRecordedAt));
  if (period !== null) row("Period", `${span(period.from, period.until)}, as pack.json says`);
  if (contents.createdAt !== null) row("Made", `${moment(contents.createdAt)}, as pack.json says; nothing proves this time`);
  row("Signed by", ...contents.signedBy);
  row("Key changed", ...ends(contents.rotations));
  row("Cosigned by", ...contents.cosignedBy);
  row("Time-stamped", ...ends(contents.stamps));
  return list;
}

/** The first and the newest of a list, and how many there are if some are left out. */
function ends(facts: readonly string[]): string[] {
  if (facts.length <= SHOWN) return [...facts];
  return [facts[0], ...facts.slice(1 - SHOWN), `${facts.length} in all`];
}

function drawKinds({ contents }: Report): HTMLElement | null {
  if (contents.kinds.length === 0) return null;
  const items = contents.kinds.slice(0, LISTED).map(([kind, count]) =>
    element("li", {}, element("span", { class: "code" }, kind), ` ${count.toLocaleString("en")}`),
  );
  const left = contents.kinds.length - items.length;
  if (left > 0) items.push(element("li", {}, `and ${counted(left, "more type")}`));
  return element("div", {}, element("h3", {}, "Events by type"), element("ul", { class: "columns" }, ...items));
}

function drawFiles(pack: Pack): HTMLElement | null {
  const names = pack.names();
  // The log itself, payloads and proofs are for programs.
  const own = names.filter((name) => !/^(log|openings|proofs)\//.test(name));
  if (own.length === 0) return null;
  const of = (folder: string) => names.filter((name) => name.startsWith(folder)).length;
  const others = `Beside them: ${of("log/")} files of the log, ${of("openings/")} of payloads, ${of("proofs/")} of proofs.`;
  const items = own.slice(0, LISTED).map((name) => {
    const save = element("button", { type: "button", class: "plain screen", "aria-label": `Save ${name}` }, "Save");
    save.addEventListener("click", () => download(pack, name));
    const bytes = pack.members.get(name)?.bytes ?? 0;
    return element(
      "li",
      {},
      element("span", { class: "code" }, name),
      element("span", { class: "dim" }, `${bytes.toLocaleString("en")} bytes`),
      save,
    );
  });
  const left = own.length > LISTED ? ` ${own.length - LISTED} more are not listed here.` : "";
  return element(
    "div",
    {},
    element("h3", {}, "Files"),
    element("ul", { class: "files" }, ...items),
    element("p", { class: "dim" }, `${others}${left}`),
  );
}

function download(pack: Pack, name: string): void {
  const slice = pack.slice(name);
  if (slice === null) return;
  const address = URL.createObjectURL(slice);
  // A folder in the name would not be a file name everywhere.
  element("a", { href: address, download: name.replaceAll("/", "-") }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
