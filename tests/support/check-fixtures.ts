import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../harness/core/project.ts";

export const fixtureFolder = join(packageRoot, "tests/checks");

/** What every fixture of a check finds (but for those with `-- base:`). */
export const base = readFileSync(join(fixtureFolder, "base.sql"), "utf8");

const defaultConfig = {
  isolation: { tenantColumn: "tenant_id", tenantRoles: ["app_user"], context: { setting: "app.tenant_id" } },
};

export interface Fixture {
  sql: string;
  header: Record<string, string>;
  /** Undefined: that of the reference platform. */
  config: object | undefined;
  /** It has the model of every other fixture. */
  ordinary: boolean;
}

export function readFixture(code: string, kind: "bad" | "good"): Fixture {
  const sql = readFileSync(join(fixtureFolder, code, `${kind}.sql`), "utf8");
  const header = Object.fromEntries(
    [...sql.matchAll(/^-- (as|also|base|undecided): (.*)$/gm)].map((m) => [m[1], m[2]]),
  );
  const file = [`${kind}.config.json`, "config.json"]
    .map((name) => join(fixtureFolder, code, name))
    .find((path) => existsSync(path));
  const otherwise = header.base === "reference" ? undefined : defaultConfig;
  const config = file ? JSON.parse(readFileSync(file, "utf8")) : otherwise;
  return { sql, header, config, ordinary: config === defaultConfig };
}

/** It can live beside others on one database: so together.test.ts asks all checks about it again, when it is mended. */
export const isSimple = ({ ordinary, header }: Fixture): boolean =>
  ordinary && !header.base && !header.undecided;
