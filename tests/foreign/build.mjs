// Bundles the modules of docs/how-to/use-another-grid.md, each with the product that it shows.
//
//   node build.mjs
//
// It runs in a folder that has the modules in `pages/` and the products in `node_modules/`; `.ci/foreign.py` makes it.
import { build } from "esbuild";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const common = {
  absWorkingDir: here,
  outdir: "build",
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "shown",
  target: "chrome120",
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "none",
  loader: { ".woff": "empty", ".woff2": "empty", ".ttf": "empty", ".svg": "empty" },
  logLevel: "warning",
};
const names = ["ag-grid.js", "ag-grid-infinite.js", "tabulator.js", "datatables.js", "devextreme.js", "mui.jsx"];

/** TanStack's two versions: the same page, each with its own `table.js` and its own package. */
function tanstack(version, packageName) {
  const path = join(here, "pages", `table-${version}.js`);
  const table = { name: "table", setup: (own) => own.onResolve({ filter: /^\.\/table\.js$/ }, () => ({ path })) };
  return build({
    ...common,
    entryPoints: [{ in: "pages/tanstack.jsx", out: `tanstack-${version}` }],
    alias: { "@tanstack/react-table": packageName },
    plugins: [table],
  });
}

await Promise.all([
  build({ ...common, entryPoints: names.map((name) => `pages/${name}`) }),
  tanstack(8, "react-table-8"),
  tanstack(9, "@tanstack/react-table"),
]);
