// Builds the bundle that Django serves, or the unit tests (--tests).
//
// The bundle is one classic script (IIFE): it works with <script defer> and with
// <script type="module">, needs no eval and writes no inline style, so it runs under a
// strict Content-Security-Policy. Beside it lies the licence notice of all that is inside.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "static", "gridkit");
const bundle = join(target, "gridkit.js");
const GZIP_BUDGET = 60 * 1024;

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

async function buildBundle() {
  await mkdir(target, { recursive: true });
  const result = await build({
    entryPoints: [join(here, "src", "index.ts")],
    outfile: bundle,
    absWorkingDir: here,
    bundle: true,
    minify: true,
    format: "iife",
    target: ["chrome123", "firefox125", "safari17.5"],
    define: { "process.env.NODE_ENV": '"production"' },
    conditions: ["production"],
    legalComments: "none",
    banner: { js: "/*! GridKit for Django, MIT. Third-party licences: gridkit.js.LEGAL.txt */" },
    metafile: true,
    logLevel: "warning",
  });
  const packages = bundledPackages(result.metafile);
  const notices = await Promise.all(packages.map(licenceOf));
  await writeFile(
    `${bundle}.LEGAL.txt`,
    `Bundled licences of gridkit.js\n\n${notices.join(`\n${"-".repeat(78)}\n\n`)}`,
  );
  const script = await readFile(bundle);
  const size = gzipSync(script, { level: 9 }).length;
  console.log(
    `${relative(join(here, "..", ".."), bundle)}: ${(script.length / 1024).toFixed(1)} kB, ` +
      `${(size / 1024).toFixed(1)} kB gzip (${packages.join(", ")})`,
  );
  if (size > GZIP_BUDGET) throw new Error(`The bundle is ${size} bytes gzip; the budget is ${GZIP_BUDGET}.`);
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
