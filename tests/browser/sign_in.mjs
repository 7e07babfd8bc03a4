// Signs in with a real browser, makes a token on the account page, enrols a passkey of a virtual authenticator and
// delegates votes with it, and signs out.
// Usage: node sign_in.mjs MODULES CHROMIUM SERVER_URL NAME PASSWORD FOLDER COLLEAGUE
// Prints one JSON object of what it saw; FOLDER gets pictures of the page.
import { pathToFileURL } from "node:url";

const [modules, executablePath, url, name, password, folder, colleague] = process.argv.slice(2);
const { default: puppeteer } = await import(pathToFileURL(`${modules}/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js`));

const browser = await puppeteer.launch({ executablePath, headless: true, args: ["--no-sandbox"] });
const page = await browser.newPage();
const seen = { outside: [], errors: [] };
page.on("pageerror", (error) => seen.errors.push(String(error)));
page.on("console", (message) => {
  // The page learns by a 401 that nobody is signed in, and Chromium logs that. What providers do is theirs.
  const ours = message.location().url?.startsWith(url) && !message.text().includes("401");
  if (ours && message.type() === "error") seen.errors.push(message.text());
});

const shown = (selector) =>
  page.$eval(selector, (element) => (element.closest("[hidden]") ? null : element.textContent.trim()));

async function submit(fill) {
  const done = page.waitForNavigation({ waitUntil: "networkidle0" });
  await fill();
  await done;
}

try {
  // Not signed in: the page offers to.
  await page.goto(`${url}/account`, { waitUntil: "networkidle0" });
  seen.offered = await shown("#out a");
  await page.screenshot({ path: `${folder}/signed-out.png`, fullPage: true });
  await submit(() => page.click('#out a[href="/auth/sign-in"]'));

  // At the provider: name, password, consent, in whatever order and number of forms.
  for (let step = 0; step < 6 && !page.url().startsWith(url); step += 1) {
    const field = await page.$('input[name="login"], input[name="username"]');
    if (field) await field.type(name);
    const secret = await page.$('input[type="password"]');
    if (secret) await secret.type(password);
    const buttons = await page.$$('form button[type="submit"], form button:not([type]), form input[type="submit"]');
    if (buttons.length === 0) throw new Error(`no form at ${page.url()}: ${await page.content()}`);
    await submit(() => buttons[0].evaluate((button) => button.click()));
  }
  seen.landed = page.url();
  await page.waitForSelector("#in:not([hidden])", { timeout: 10_000 });
  seen.name = await shown("#name");
  const cookies = (await page.cookies()).filter((cookie) => cookie.name.startsWith("__Host-"));
  seen.cookies = cookies.map(({ name, httpOnly, secure, sameSite, path }) =>
    ({ name, httpOnly, secure, sameSite, path }));
  page.on("request", (request) => request.url().startsWith(url) || seen.outside.push(request.url()));

  await page.type('#make input[name="label"]', "browser");
  await page.click("#make button");
  await page.waitForSelector("#made:not([hidden])");
  seen.token = await shown("#secret");
  // The list is asked for again after the token is shown.
  await page.waitForSelector("#tokens tr", { timeout: 10_000 });
  seen.tokens = await page.$$eval("#tokens tr", (rows) => rows.length);

  // A passkey: made here, and asked for where votes are delegated.
  const devtools = await page.createCDPSession();
  await devtools.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  await devtools.send("WebAuthn.addVirtualAuthenticator", { options });
  await page.type('#passkey input[name="label"]', "virtual");
  await page.click("#passkey button");
  await page.waitForSelector("#factors tr", { timeout: 10_000 });
  seen.factors = await page.$$eval("#factors tr", (rows) => rows.map((row) => row.cells[1].textContent));
  await page.type('#delegate input[name="delegate"]', colleague);
  await page.type('#delegate input[name="reason"]', "on leave");
  await page.click("#delegate button");
  await page.waitForSelector("#done:not([hidden])", { timeout: 10_000 });
  await page.screenshot({ path: `${folder}/signed-in.png`, fullPage: true });
  await page.setViewport({ width: 400, height: 800 });
  await page.screenshot({ path: `${folder}/narrow.png`, fullPage: true });

  // Another site cannot make the browser act in the name of the session.
  const other = await browser.newPage();
  await other.goto("data:text/html,<p>another site");
  seen.forged = await other.evaluate(async (address) => {
    try {
      const answer = await fetch(`${address}/api/v1/whoami/tokens`, {
        method: "POST", mode: "no-cors", credentials: "include", body: '{"label":"forged","days":1}',
      });
      return answer.type;
    } catch (error) {
      return String(error);
    }
  }, url);

  await other.close();
  await page.bringToFront();

  const session = (await page.cookies()).find((cookie) => cookie.name.endsWith("-session")).value;
  await submit(() => page.click('form[action="/auth/sign-out"] button'));
  await page.waitForSelector("#out:not([hidden])");
  const again = await fetch(`${url}/api/v1/whoami`, { headers: { Cookie: `__Host-comptroller-session=${session}` } });
  seen.after = again.status;
  console.log(JSON.stringify(seen));
} catch (error) {
  console.error(`${error.stack}\nat ${page.url()}\n${JSON.stringify(seen)}`);
  await page.screenshot({ path: `${folder}/failed.png` }).catch(() => {});
  process.exitCode = 1;
} finally {
  await browser.close();
}
