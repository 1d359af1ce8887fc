import type { Severity } from "../core/results.ts";
import { readSqlFile, readSqlFolder, withIncludes } from "../sql/sql-file.ts";

/** One file of checks/: a query that answers with (object, outcome, detail, evidence, fix, severity). */
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

const prologue = () => readSqlFile("harness/verify/prologue.sql").text;

export function loadFacts(): Fact[] {
  return readSqlFolder("harness/verify/facts").map((source) => ({
    setting: `harness.${source.name}`,
    sql: `${prologue()}\n${withIncludes(source)}`,
  }));
}

export function loadChecks(): Check[] {
  const before = prologue();
  return readSqlFolder("harness/verify/checks").map((source) => {
    const { header, name: file } = source;
    const query = withIncludes(source);
    return {
      code: header.code ?? file,
      name: header.name ?? file,
      aliases: header.aliases?.split(/[ ,]+/) ?? [],
      title: header.title ?? file,
      severity: (header.severity ?? "high") as Severity,
      area: header.area ?? "",
      kind: header.kind === "probe" ? "probe" : "catalogue",
      observes: /\b(observed|holes)\b/.test(query),
      sql: `${before}\n${query}`,
      docs: `docs/checks/${header.code ?? file}.md`,
    };
  });
}
