// Opens verifier/dist/verify.html from disk in a real browser and lets it judge packs; the program judges each too.
// Usage: node verifier.mjs MODULES CHROMIUM PAGE PROGRAM OPENSSL PACK SECRET_KEY FOLDER
// Prints one JSON object of what it saw; FOLDER gets pictures of the page. Fails where the page misses what a case
// expects, or where page and program do not agree.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CASES } from "./cases.mjs";
import { edit } from "./changes.mjs";
import { scene } from "./pack.mjs";

const [modules, executablePath, pageFile, program, openssl, packFile, secretFile, folder] = process.argv.slice(2);
const { default: puppeteer } = await import(pathToFileURL(`${modules}/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js`));
const { default: assert } = await import("node:assert/strict");

const made = scene(packFile, secretFile, folder, openssl);
const address = pathToFileURL(pageFile).href;
const browser = await puppeteer.launch({ executablePath, headless: true, args: ["--no-sandbox"] });
const page = await browser.newPage();
const seen = { outside: [], errors: [], held: 0, failed: 0, checks: {}, edits: { holds: 0, fails: 0 } };
/** Random edits that are judged. */
const EDITS = 40;
page.on("request", (request) => request.url() === address || seen.outside.push(request.url()));
page.on("pageerror", (error) => seen.errors.push(String(error)));
page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));

const at = (name) => join(folder, name);
const put = (name, bytes) => {
  writeFileSync(at(name), bytes);
  return at(name);
};
const upload = async (selector, ...files) => (await page.$(selector)).uploadFile(...files);
const fill = (selector, text) => page.$eval(selector, (field, value) => { field.value = value; }, text);
const picture = (name) => page.screenshot({ path: at(`${name}.png`), fullPage: true });
const ended = () => page.waitForSelector("#result:not([hidden])", { timeout: 120_000 });

/** What the page says: its outcome, and of each check the state and the findings. */
async function said() {
  await ended();
  return page.$eval("#result", (result) => ({
    outcome: result.dataset.outcome,
    headline: result.querySelector("#outcome").textContent,
    text: result.textContent,
    checks: [...result.querySelectorAll("[data-check]")].map((item) => ({
      id: item.dataset.check,
      state: item.dataset.state,
      places: [...item.querySelectorAll(".findings .code")].map((place) => place.textContent),
    })),
  }));
}

/** Lets the page judge a pack. */
async function judge({ tar, key, policy, known }) {
  await page.goto(address);
  await upload("#file", put("judged.tar", tar));
  await fill("#key", key);
  if (policy !== undefined) await fill("#policy", policy);
  if (known !== undefined) await upload("#known", ...known.map((note, number) => put(`known-${number}`, note)));
  await page.click("#verify");
  return said();
}

/** What `comptroller verify` says of the same pack, with the same that the auditor brings along. */
function verdict({ key, policy, known }) {
  const words = ["verify", at("judged.tar"), "--key", key];
  if (policy !== undefined) words.push("--policy", put("policy", policy));
  for (const number of (known ?? []).keys()) words.push("--known", at(`known-${number}`));
  const { status, stderr } = spawnSync(program, words, { encoding: "utf8" });
  assert.ok(status === 0 || (status >= 10 && status <= 20), `${status}: ${stderr}`);
  return { holds: status === 0, said: stderr };
}

async function judgeAll() {
  for (const { name, make, finds } of CASES) {
    const judged = { key: made.vkey, ...make(made) };
    const { outcome, checks } = await judge(judged);
    const { holds, said } = verdict(judged);
    const failed = checks.filter(({ state }) => state === "fails");
    const context = `${name}: the page says ${outcome} ${JSON.stringify(failed)}, the program: ${said}`;
    assert.equal(outcome === "holds", holds, context);
    assert.equal(outcome, finds === undefined ? "holds" : "fails", context);
    if (finds === undefined) {
      seen.held += 1;
      assert.deepEqual(failed, [], context);
      continue;
    }
    seen.failed += 1;
    const [check, place] = finds(made);
    seen.checks[check] = (seen.checks[check] ?? 0) + 1;
    const places = failed.find(({ id }) => id === check)?.places ?? [];
    assert.ok(places.some((found) => (typeof place === "string" ? found === place : place.test(found))), context);
  }
}

/** Small edits anywhere, which may be found or do no harm: page and program must be of one opinion about each. */
async function judgeEdits() {
  for (let number = 0; number < EDITS; number += 1) {
    const { name, at: position, tar } = edit(made);
    const judged = { tar, key: made.vkey };
    const { outcome } = await judge(judged);
    const { holds, said } = verdict(judged);
    const context = `${name} edited at byte ${position}: the page says ${outcome}, the program: ${said}`;
    assert.equal(outcome, holds ? "holds" : "fails", context);
    seen.edits[outcome] += 1;
  }
}

/** The page as people meet it: by keyboard, by dropping a file, with mistakes, and stopped. */
async function use() {
  // Nothing given: the field is named and has the focus.
  await page.goto(address);
  await page.focus("#verify");
  await page.keyboard.press("Enter");
  seen.asked = await page.$eval("#file-error", (line) => line.textContent);
  seen.focused = await page.evaluate(() => document.activeElement.id);
  await picture("verifier-asked");

  // A key that was typed wrong.
  await upload("#file", put("judged.tar", made.tar));
  await fill("#key", made.vkey.replace(/.$/, (last) => (last === "A" ? "B" : "A")));
  await page.focus("#key");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  seen.tabbed = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#key-error:not([hidden])");
  seen.refused = await page.$eval("#key-error", (line) => line.textContent);

  // Without a mouse, to the result, which gets the focus.
  await fill("#key", made.vkey);
  await page.focus("#verify");
  await page.keyboard.press("Enter");
  const { headline, checks, text } = await said();
  assert.ok(checks.length > 10 && text.includes(made.key.name), text);
  seen.headline = headline;
  seen.result = await page.evaluate(() => document.activeElement.id);
  seen.unnamed = await page.$$eval("input, textarea, button, progress", (fields) =>
    fields.filter((field) => !field.labels?.length && !field.ariaLabel && !field.textContent).map(({ id }) => id),
  );
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await picture("verifier-light");
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await picture("verifier-dark");
  await page.emulateMediaFeatures([]);
  await page.pdf({ path: at("verifier.pdf") });
  await page.setViewport({ width: 380, height: 800 });
  await picture("verifier-narrow");
  seen.overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await page.setViewport({ width: 1000, height: 800 });

  // A saved file is the one of the pack.
  const devtools = await page.createCDPSession();
  await devtools.send("Browser.setDownloadBehavior", { behavior: "deny", eventsEnabled: true });
  const began = new Promise((resolve) => devtools.on("Browser.downloadWillBegin", resolve));
  await page.click('[aria-label="Save README.txt"]');
  seen.saved = (await began).suggestedFilename;

  // Dropped onto the page.
  await page.goto(address);
  await page.evaluate((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], "dropped.tar"));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, made.tar.toString("base64"));
  await fill("#key", made.vkey);
  await page.click("#verify");
  seen.dropped = (await said()).headline;

  // Stopped: nothing counts as checked that was not.
  const large = CASES.find(({ name }) => name === "a large file").make(made);
  await page.goto(address);
  await upload("#file", put("judged.tar", large.tar));
  await fill("#key", made.vkey);
  await page.click("#verify");
  await page.waitForSelector("#stop:not([hidden])");
  await page.click("#stop");
  const stopped = await said();
  seen.stopped = [stopped.outcome, stopped.checks.filter(({ state }) => state === "holds").length];

  // A browser without Ed25519: said, and not counted as checked.
  const blind = await page.evaluateOnNewDocument(() => {
    const { importKey } = SubtleCrypto.prototype;
    SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...more) {
      if (algorithm.name === "Ed25519") throw new DOMException("not known", "NotSupportedError");
      return importKey.call(this, format, key, algorithm, ...more);
    };
  });
  const unsigned = await judge({ tar: made.tar, key: made.vkey });
  const open = unsigned.checks.filter(({ state }) => state === "unchecked").map(({ id }) => id);
  seen.blind = [unsigned.outcome, open, unsigned.text.includes("comptroller verify PACK --key VKEY")];
  await page.removeScriptToEvaluateOnNewDocument(blind.identifier);

  // The page may not reach anything, whatever a pack would make it do.
  const before = seen.errors.length;
  seen.fetched = await page.evaluate(() => fetch("http://127.0.0.1:9/").then(() => "reached", () => "refused"));
  assert.ok(seen.errors.slice(before).every((text) => /Content Security Policy|Fetch API cannot load/.test(text)), seen.errors);
  assert.ok(seen.errors.length > before, "the policy of the page did not refuse it");
  seen.errors.length = before;
}

try {
  seen.browser = await browser.version();
  await use();
  await judgeAll();
  await judgeEdits();
  await judge({ key: made.vkey, ...CASES.find(({ name }) => name === "two entries in the other order").make(made) });
  await picture("verifier-failing");
  console.log(JSON.stringify(seen));
} catch (error) {
  console.error(`${error.stack}\n${JSON.stringify(seen)}`);
  await picture("verifier-failed").catch(() => {});
  process.exitCode = 1;
} finally {
  await browser.close();
}
