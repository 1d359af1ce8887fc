import { afterAll, describe, expect, inject, test } from "vitest";
import { planMending, toMigration } from "../../harness/report/mending-sql.ts";
import { createDatabase, dropDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { type Check, loadChecks } from "../../harness/verify/checks.ts";
import { base, isSimple, readFixture } from "./check-fixtures.ts";
import { runScript } from "./psql.ts";
import { type Findings, verifyDatabase } from "./verify.ts";

type Verify = (checks: Check[]) => Promise<Findings>;
type Mend = (script: string) => Promise<string[]>;

const all = loadChecks();
const codes = (findings: string[]) =>
  [...new Set(findings.map((finding) => finding.split(" ")[0] as string))].sort();

/**
 * One runner for all checks. tests/checks/CODE/good.sql must give no finding at all; bad.sql exactly findings of this check (and of those
 * named in `-- also: CODE CODE`, where one fault cannot be had without the other); what --fix prints must run as a whole and mend it.
 * `-- base: reference` begins with the reference platform and its configuration instead. Roles are the cluster's: a fixture that changes one
 * uses a name of its own, and says so in config.json.
 * @param part which of the test files this is, from 1; every check belongs to one of them
 */
export async function proveChecks(part: number, parts: number): Promise<void> {
  const branch = await createThrowawayBranch({ flavor: "neon" });
  const own = { owner: branch.ownerUrl, superuser: branch.superuserUrl };
  const reference = { owner: inject("serverUrl"), superuser: inject("superuserUrl") };
  const admins = {
    own: await connect(own.owner, { purpose: "test", database: "postgres" }),
    reference: await connect(reference.owner, { purpose: "test", database: "postgres" }),
  };
  afterAll(async () => {
    await admins.own.end();
    await admins.reference.end();
    await branch.stop();
  });

  async function onFixture(
    code: string,
    kind: "bad" | "good",
    work: (verify: Verify, mend: Mend) => Promise<void>,
  ) {
    const { sql, header, config } = readFixture(code, kind);
    const isReference = header.base === "reference";
    const [urls, admin] = isReference ? [reference, admins.reference] : [own, admins.own];
    const name = `check_${code.toLowerCase()}_${kind}`;
    await createDatabase(admin, name, isReference ? inject("template") : undefined);
    const owner = await connect(urlOf(urls.owner, name), { purpose: "test" });
    const makersUrl = urlOf(header.as === "superuser" ? urls.superuser : urls.owner, name);
    const maker = header.as === "superuser" ? await connect(makersUrl, { purpose: "test" }) : owner;
    try {
      if (!header.base) await owner.query(base);
      await maker.query(sql);
      // the key that the fixture works with
      const { rows } = await maker.query("select current_setting('app.pii.key', true) as key");
      const mend = (script: string) =>
        runScript(makersUrl, `set app.pii.key = '${rows[0].key ?? ""}';\n${script}`);
      await work((checks) => verifyDatabase(urlOf(urls.owner, name), "low", config, { checks }), mend);
    } finally {
      await owner.end();
      if (maker !== owner) await maker.end();
      await dropDatabase(admin, name);
    }
  }

  /** How much of what is known to be wrong is seen, and how often something right is blamed. */
  const score = { holes: 0, seen: 0, schemas: 0, falseAlarms: 0 };

  const mine = all.filter((_, at) => at % parts === part - 1);
  describe.each(mine)("$code $name", ({ code }) => {
    test("good: no finding, nothing undecided", () =>
      onFixture(code, "good", async (verify) => {
        const { failed, undecided } = await verify(all);
        score.schemas++;
        score.falseAlarms += failed.length;
        expect({ failed, undecided }).toEqual({ failed: [], undecided: [] });
      }));

    test("bad: this finding, and its own SQL mends it", () =>
      onFixture(code, "bad", async (verify, mend) => {
        const fixture = readFixture(code, "bad");
        const also = fixture.header.also?.split(/[ ,]+/) ?? [];
        score.holes++;
        const broken = await verify(all);
        if (codes([...broken.failed, ...broken.undecided]).includes(code)) score.seen++;
        if (fixture.header.undecided) {
          // nothing leaks as far as can be seen: the check says that it can't be seen
          expect(codes(broken.undecided)).toEqual([code]);
          return;
        }
        expect(codes(broken.failed)).toEqual([code, ...also].sort());
        expect(broken.fixes.trim(), "every finding has SQL that mends it").not.toBe("");
        expect(await mend(toMigration(await planMending(broken.results)))).toEqual([]);
        // That the mended database has no finding of any check is asked once for all simple fixtures, in together.test.ts.
        const asked = isSimple(fixture) ? all.filter((check) => [code, ...also].includes(check.code)) : all;
        expect((await verify(asked)).failed).toEqual([]);
      }));
  });

  test("the scoreboard: every hole seen, nothing right blamed", () => {
    const recall = Math.round((100 * score.seen) / score.holes);
    process.stdout.write(
      `\nScoreboard ${part} of ${parts}: ${score.seen} of ${score.holes} holes seen (${recall} %), ${score.falseAlarms} false alarms on ${score.schemas} sound schemas\n`,
    );
    expect(score).toMatchObject({ seen: score.holes, falseAlarms: 0 });
  });
}
