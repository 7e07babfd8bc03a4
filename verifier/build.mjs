// Makes the one file dist/verify.html from page.html, style.css and src/page.ts.
//
// Usage: node build.mjs [--modules FOLDER] [--check | --library FILE]
//   --modules FOLDER  where esbuild is installed; else node_modules beside this file
//   --check           writes nothing and fails if dist/verify.html is not what the sources make
//   --library FILE    writes the modules without the page, for tests in Node.js
//
// The result depends on the sources and the version of esbuild only. It is not minified: whoever relies on the page
// can read it.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values: options } = parseArgs({
  options: { modules: { type: "string" }, check: { type: "boolean" }, library: { type: "string" } },
});
const modules = resolve(options.modules ?? join(here, "node_modules"));
const { devDependencies } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
const esbuild = createRequire(join(modules, "any.js"))("esbuild");
if (esbuild.version !== devDependencies.esbuild) {
  throw new Error(`esbuild ${esbuild.version} is installed, but package.json names ${devDependencies.esbuild}`);
}

async function bundle(entry, format) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: here,
    entryPoints: [`src/${entry}`],
    bundle: true,
    charset: "utf8",
    format,
    legalComments: "none",
    platform: "browser",
    target: "es2022",
    write: false,
  });
  return outputFiles[0].text;
}

/** What a Content-Security-Policy names an inline script or style by. */
const source = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

async function page() {
  const [template, style, script] = await Promise.all([
    readFile(join(here, "page.html"), "utf8"),
    readFile(join(here, "style.css"), "utf8"),
    bundle("page.ts", "iife"),
  ]);
  // Inside these elements a text ends where their end tag stands, wherever that is.
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) throw new Error("the page would end inside its script");
  const allowed = `script-src ${source(script)}; style-src ${source(style)}`;
  const policy = `default-src 'none'; ${allowed}; base-uri 'none'; form-action 'none'`;
  const parts = { policy, script, style };
  return template.replace(/\{\{(policy|script|style)\}\}/g, (_, name) => parts[name]);
}

if (options.library !== undefined) {
  await writeFile(options.library, await bundle("library.ts", "esm"));
} else {
  const made = await page();
  const target = join(here, "dist", "verify.html");
  if (!options.check) {
    await writeFile(target, made);
  } else if ((await readFile(target, "utf8")) !== made) {
    console.error("verifier/dist/verify.html is out of date: run `npm ci && npm run build` in verifier/ and commit it");
    process.exitCode = 1;
  }
}
