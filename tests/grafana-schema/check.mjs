// Holds the dashboards to the types of @grafana/schema, of Grafana 10, 11 and 12: TypeScript reads each JSON as a
// literal of its type. `npm ci && node check.mjs`: exit code 0, or what TypeScript says. Enums are taken as their values.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const boards = here + "../../grafana-dashboards/dashboards/";
const PANELS = {
  stat: ["stat", "StatPanelCfg"],
  bargauge: ["bargauge", "BarGaugePanelCfg"],
  table: ["table", "TablePanelCfg"],
  timeseries: ["timeseries", "TimeSeriesPanelCfg"],
  "state-timeline": ["statetimeline", "StateTimelinePanelCfg"],
};
// Since Grafana 11 the type of a query lives in the data source's own package, unchanged.
const QUERY = "../node_modules/schema-10/dist/esm/raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen";
const OPTIONS = { noEmit: true, strict: true, skipLibCheck: true, target: "es2022", module: "es2022", moduleResolution: "bundler" };

const nameOf = (kind) => kind.replace(/(^|-)(\w)/g, (_, __, letter) => letter.toUpperCase()) + "Options";

function head(schema) {
  const types = existsSync(`${here}node_modules/${schema}/dist/types`) ? "types" : "esm";
  const raw = `../node_modules/${schema}/dist/${types}/raw/composable`;
  const options = Object.entries(PANELS).map(
    ([kind, [folder, file]]) => `import type { Options as ${nameOf(kind)} } from "${raw}/${folder}/panelcfg/x/${file}_types.gen";`,
  );
  return `import type { Dashboard, Panel, RowPanel } from "@grafana/schema";
import type { PrometheusDataQuery } from "${QUERY}";
${options.join("\n")}
type Plain<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T
  : T extends (infer E)[] ? Plain<E>[] : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
`;
}

// Options and queries are unknown to the type of a panel; they are held to the types of their plugins.
function literals(board) {
  const lines = [`const board: Plain<Dashboard> = ${JSON.stringify({ ...board, panels: undefined })};`];
  board.panels.forEach((panel, at) => {
    if (panel.type === "row") {
      lines.push(`const row${at}: Plain<RowPanel> = ${JSON.stringify(panel)};`);
      return;
    }
    const { options, targets, ...rest } = panel;
    lines.push(`const panel${at}: Plain<Omit<Panel, "options" | "targets">> = ${JSON.stringify(rest)};`);
    lines.push(`const options${at}: Plain<Partial<${nameOf(panel.type)}>> = ${JSON.stringify(options ?? {})};`);
    targets.forEach((target, n) => lines.push(`const target${at}_${n}: Plain<PrometheusDataQuery> = ${JSON.stringify(target)};`));
  });
  return [...lines, "export {};"].join("\n");
}

let failed = 0;
for (const schema of ["schema-10", "schema-11", "schema-12"]) {
  const made = `${here}made/`;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made);
  for (const file of readdirSync(boards)) {
    const text = head(schema) + literals(JSON.parse(readFileSync(boards + file, "utf8")));
    writeFileSync(made + file.replace(".json", ".ts"), text);
  }
  // The types of the plugins import the package by its own name.
  const paths = { "@grafana/schema": [`../node_modules/${schema}`] };
  writeFileSync(`${made}tsconfig.json`, JSON.stringify({ compilerOptions: { ...OPTIONS, paths }, include: ["*.ts"] }));
  const done = spawnSync(process.execPath, [`${here}node_modules/typescript/bin/tsc`, "-p", made], { encoding: "utf8" });
  process.stdout.write(`${done.stdout}${schema}: exit ${done.status}\n`);
  failed ||= done.status;
}
process.exit(failed);
