// Builds the files that Django serves, or the unit tests (--tests).
//
// `gridkit.js` is a module. With it comes what it shares with the panels, at once; the panels come when
// somebody opens the first of them. Both lie beside it under names that change with their content, and are
// imported by relative addresses, so they are found wherever the static files are served from, hashed or
// not. Nothing needs eval or writes inline styles, so all runs under a strict Content-Security-Policy.
// Beside them lies the licence notice of all that is inside.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "static", "gridkit");
const bundle = join(target, "gridkit.js");
/** What is loaded before anybody opens a panel may be so large. */
const GZIP_BUDGET = 60 * 1024;
const CHUNK = /^gridkit-\w+-[A-Z0-9]{8}\.js$/;

/** Names of the npm packages whose code went into the bundle, from esbuild's own record. */
function bundledPackages(metafile) {
  const names = new Set();
  for (const output of Object.values(metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
      if (found && bytesInOutput > 0) names.add(found[1]);
    }
  }
  return [...names].sort();
}

/** One section of the notice: name, version, licence and the full licence text. */
async function licenceOf(name) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} ${version} has no licence file; add its text before shipping it.`);
  const text = await readFile(join(folder, file), "utf8");
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}

/** The outputs that load with the entry: the entry itself, and whatever it imports by static imports. */
function loadedAtStart(outputs, name) {
  const imported = outputs[name].imports.filter(({ kind }) => kind === "import-statement");
  return [name, ...imported.flatMap(({ path }) => loadedAtStart(outputs, path))];
}

const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} kB`;

async function gzipSize(paths) {
  const scripts = await Promise.all(paths.map((path) => readFile(join(here, path))));
  return scripts.reduce((sum, script) => sum + gzipSync(script, { level: 9 }).length, 0);
}

async function dropOldChunks() {
  for (const name of await readdir(target)) if (CHUNK.test(name)) await rm(join(target, name));
}

async function buildBundle() {
  await mkdir(target, { recursive: true });
  await dropOldChunks();
  const result = await build({
    entryPoints: { gridkit: join(here, "src", "index.ts") },
    outdir: target,
    chunkNames: "gridkit-[name]-[hash]",
    absWorkingDir: here,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: ["chrome123", "firefox125", "safari17.5"],
    define: { "process.env.NODE_ENV": '"production"' },
    conditions: ["production"],
    legalComments: "none",
    banner: { js: "/*! GridKit for Django, MIT. Third-party licences: gridkit.js.LEGAL.txt */" },
    metafile: true,
    logLevel: "warning",
  });
  await writeNotice(bundledPackages(result.metafile));
  await judgeSize(result.metafile.outputs);
}

async function writeNotice(packages) {
  const notices = await Promise.all(packages.map(licenceOf));
  const text = notices.join(`\n${"-".repeat(78)}\n\n`);
  await writeFile(`${bundle}.LEGAL.txt`, `Bundled licences of gridkit.js\n\n${text}`);
}

async function judgeSize(outputs) {
  const start = new Set(loadedAtStart(outputs, relative(here, bundle)));
  const size = await gzipSize([...start]);
  const total = await gzipSize(Object.keys(outputs));
  console.log(`gridkit.js: ${kilobytes(size)} gzip at the start in ${start.size} files, ${kilobytes(total)} in all`);
  if (size > GZIP_BUDGET) throw new Error(`The start is ${size} bytes gzip; the budget is ${GZIP_BUDGET}.`);
}

async function buildTests() {
  const folder = join(here, "tests");
  const outdir = join(here, "build", "tests");
  await rm(outdir, { recursive: true, force: true });
  const names = (await readdir(folder)).filter((name) => name.endsWith(".test.ts"));
  await build({
    entryPoints: names.map((name) => join(folder, name)),
    outdir,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  });
}

await (process.argv.includes("--tests") ? buildTests() : buildBundle());
