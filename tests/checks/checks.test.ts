import { globSync } from "tinyglobby";
import { afterAll, describe, expect, inject, test } from "vitest";
import { migratedTemplate } from "../../harness/command-line/template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { planMending, toMigration } from "../../harness/report/mending-sql.ts";
import { createDatabase, dropDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { loadChecks } from "../../harness/verify/checks.ts";
import { base, fixtureFolder, readFixture } from "../support/check-fixtures.ts";
import { runScript } from "../support/psql.ts";
import { type Findings, verifyDatabase } from "../support/verify.ts";

// One runner for all checks. tests/checks/CODE/good.sql must give no finding at all; bad.sql exactly findings of this check (and of those
// named in `-- also: CODE CODE`, where one fault cannot be had without the other); what --fix prints must run
// as a whole and mend it. `-- base: reference` begins with the reference platform and its configuration instead. Roles are the cluster's: a fixture that changes one uses a name of its own, and says so in config.json.
const branch = await createThrowawayBranch({ flavor: "neon" });
const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
afterAll(async () => {
  await admin.end();
  await branch.stop();
});

async function onFixture(
  code: string,
  kind: "bad" | "good",
  work: (verify: () => Promise<Findings>, mend: (script: string) => Promise<string[]>) => Promise<void>,
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
    const makersUrl = urlOf(header.as === "superuser" ? branch.superuserUrl : branch.ownerUrl, name);
    // the key that the fixture works with
    const { rows } = await maker.query("select current_setting('app.pii.key', true) as key");
    const mend = (script: string) =>
      runScript(makersUrl, `set app.pii.key = '${rows[0].key ?? ""}';\n${script}`);
    await work(() => verifyDatabase(urlOf(branch.ownerUrl, name), "low", config), mend);
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
    onFixture(code, "bad", async (verify, mend) => {
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
      expect(await mend(toMigration(await planMending(broken.results)))).toEqual([]);
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
  const folders = globSync("*/", { cwd: fixtureFolder, onlyDirectories: true }).map((name) =>
    name.replace(/\/$/, ""),
  );
  expect(folders.filter((name) => !known.has(name))).toEqual([]);
});
