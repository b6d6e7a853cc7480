/** Entry of the bundle: defines the element once, also when the script is on the page twice. */

import { GridkitGrid } from "./element.ts";

if (!customElements.get("gridkit-grid")) customElements.define("gridkit-grid", GridkitGrid);
