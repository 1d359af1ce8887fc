import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { globSync } from "tinyglobby";
import { afterAll, describe, expect, inject, test } from "vitest";
import { migratedTemplate, urlOf } from "../../harness/commands/migrated-template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { connect } from "../../harness/database/connection.ts";
import { createDatabase, dropDatabase } from "../../harness/database/databases.ts";
import { createThrowawayBranch } from "../../harness/local/throwaway.ts";
import { loadChecks } from "../../harness/verify/checks.ts";
import { type Findings, verifyDatabase } from "../support/verify.ts";

// One runner for all checks. tests/checks/CODE/good.sql must give no finding at all; bad.sql exactly findings of this check (and of those
// named in `-- also: CODE CODE`, where one fault cannot be had without the other); the SQL of the findings themselves must
// mend it. `-- base: reference` begins with the reference platform and its configuration instead. Roles are the cluster's: a fixture that changes one uses a name of its own, and says so in config.json.
const branch = await createThrowawayBranch({ flavor: "neon" });
const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
afterAll(async () => {
  await admin.end();
  await branch.stop();
});

const folder = join(packageRoot, "tests/checks");
const base = readFileSync(join(folder, "base.sql"), "utf8");
const defaultConfig = {
  isolation: { tenantColumn: "tenant_id", tenantRoles: ["app_user"], context: { setting: "app.tenant_id" } },
};

interface Fixture {
  sql: string;
  header: Record<string, string>;
  /** Undefined: that of the reference platform. */
  config: object | undefined;
}

function readFixture(code: string, kind: "bad" | "good"): Fixture {
  const sql = readFileSync(join(folder, code, `${kind}.sql`), "utf8");
  const header = Object.fromEntries(
    [...sql.matchAll(/^-- (as|also|base|undecided): (.*)$/gm)].map((m) => [m[1], m[2]]),
  );
  const file = [`${kind}.config.json`, "config.json"]
    .map((name) => join(folder, code, name))
    .find((path) => existsSync(path));
  const otherwise = header.base === "reference" ? undefined : defaultConfig;
  return { sql, header, config: file ? JSON.parse(readFileSync(file, "utf8")) : otherwise };
}

async function onFixture(
  code: string,
  kind: "bad" | "good",
  work: (verify: () => Promise<Findings>, client: Client) => Promise<void>,
) {
  const { sql, header, config } = readFixture(code, kind);
  const name = `check_${code.toLowerCase()}_${kind}`;
  await createDatabase(admin, name, header.base === "reference" ? await template() : undefined);
  const owner = await connect(urlOf(branch.ownerUrl, name), { purpose: "test" });
  const superuser = await connect(urlOf(branch.superuserUrl, name), { purpose: "test" });
  try {
    if (!header.base) await owner.query(base);
    const maker = header.as === "superuser" ? superuser : owner;
    await maker.query(sql);
    await work(() => verifyDatabase(urlOf(branch.ownerUrl, name), "low", config), maker);
  } finally {
    await owner.end();
    await superuser.end();
    await dropDatabase(admin, name);
  }
}

const template = () => migratedTemplate(admin, branch.ownerUrl, packageRoot);

/** How much of what is known to be wrong is seen, and how often something right is blamed. */
const score = { holes: 0, seen: 0, schemas: 0, falseAlarms: 0 };

const codes = (findings: string[]) =>
  [...new Set(findings.map((finding) => finding.split(" ")[0] as string))].sort();

describe.each(loadChecks())("$code $name", ({ code }) => {
  test("good: no finding, nothing undecided", () =>
    onFixture(code, "good", async (verify) => {
      const { failed, undecided } = await verify();
      score.schemas++;
      score.falseAlarms += failed.length;
      expect({ failed, undecided }).toEqual({ failed: [], undecided: [] });
    }));

  test("bad: this finding, and its own SQL mends it", () =>
    onFixture(code, "bad", async (verify, client) => {
      const { header } = readFixture(code, "bad");
      const also = header.also?.split(/[ ,]+/) ?? [];
      score.holes++;
      const broken = await verify();
      if (codes([...broken.failed, ...broken.undecided]).includes(code)) score.seen++;
      if (header.undecided) {
        // nothing leaks as far as can be seen: the check says that it can't be seen
        expect(codes(broken.undecided)).toEqual([code]);
        return;
      }
      expect(codes(broken.failed)).toEqual([code, ...also].sort());
      expect(broken.fixes.trim(), "every finding has SQL that mends it").not.toBe("");
      await client.query(broken.fixes);
      expect((await verify()).failed).toEqual([]);
    }));
});

test("the scoreboard: every hole seen, nothing right blamed", async () => {
  const reference = await verifyDatabase(urlOf(inject("serverUrl"), inject("template")), "low");
  score.schemas++;
  score.falseAlarms += reference.failed.length;
  const recall = Math.round((100 * score.seen) / score.holes);
  process.stdout.write(
    `\nScoreboard: ${score.seen} of ${score.holes} holes seen (${recall} %), ${score.falseAlarms} false alarms on ${score.schemas} sound schemas\n`,
  );
  expect(reference.failed).toEqual([]);
  expect(score).toMatchObject({ seen: score.holes, falseAlarms: 0 });
});

test("every fixture belongs to a check", () => {
  const known = new Set(loadChecks().map(({ code }) => code));
  const folders = globSync("*/", { cwd: folder, onlyDirectories: true }).map((name) =>
    name.replace(/\/$/, ""),
  );
  expect(folders.filter((name) => !known.has(name))).toEqual([]);
});
