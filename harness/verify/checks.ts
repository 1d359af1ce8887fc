import { basename, dirname } from "node:path";
import { inOrderOfCodes, type Severity } from "../core/results.ts";
import { compose } from "../sql/compose.ts";
import { names, readSqlFolder, type SqlFile } from "../sql/sql-file.ts";

const folder = "harness/verify/checks";

/** One file of checks/<area>/: a query that answers with (object, outcome, detail, evidence, fix, severity). */
export interface Check {
  code: string;
  name: string;
  /** Names it had before: codes and names are never reused. */
  aliases: string[];
  title: string;
  severity: Severity;
  area: string;
  /** `catalogue` looks at definitions alone; `probe` needs the probe run. */
  kind: "catalogue" | "probe";
  /** It reads what the probes found, and has to wait for it. */
  observes: boolean;
  sql: string;
  docs: string;
}

/** One file of facts/: a query whose JSON several checks read, worked out once per run and kept in the setting `harness.<name>`. */
export interface Fact {
  setting: string;
  sql: string;
}

export function loadFacts(): Fact[] {
  return readSqlFolder("harness/verify/facts").map((file) => ({
    setting: `harness.${file.name}`,
    sql: compose(file).text,
  }));
}

/** Every check, in the order of the codes, which is that of the areas too. */
export function loadChecks(): Check[] {
  return readSqlFolder(`${folder}/**`).map(loadCheck).sort(inOrderOfCodes);
}

function loadCheck(file: SqlFile): Check {
  const { header, name, path } = file;
  const { text, fragments } = compose(file);
  return {
    code: header.code ?? name,
    name: header.name ?? name,
    aliases: names(file, "aliases"),
    title: header.title ?? name,
    severity: (header.severity ?? "high") as Severity,
    area: basename(dirname(path)),
    kind: header.kind === "probe" ? "probe" : "catalogue",
    observes: fragments.includes("probe_answers") || fragments.includes("holes"),
    sql: text,
    docs: `docs/checks/${header.code ?? name}.md`,
  };
}
