import { afterAll, expect, test } from "vitest";
import { planMending, toMigration } from "../../harness/report/mending-sql.ts";
import { createDatabase, dropDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { loadChecks } from "../../harness/verify/checks.ts";
import { base, isSimple, readFixture } from "../support/check-fixtures.ts";
import { runScript } from "../support/psql.ts";
import { verifyDatabase } from "../support/verify.ts";

// Many faults at once: the SQL that mends each was made without knowing of the others, and still has to run as one script.
const branch = await createThrowawayBranch({ flavor: "neon" });
const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
afterAll(async () => {
  await admin.end();
  await branch.stop();
});

const simple = loadChecks()
  .map(({ code }) => ({ code, ...readFixture(code, "bad") }))
  .filter(isSimple);

type Faults = typeof simple;
/** Of a table, function, type, role, schema or policy that is there already. */
const nameIsTaken = ["42P07", "42723", "42710", "42P06"];

/** A database with the faults of as many fixtures as can live side by side. Returns those that it has. */
async function build(url: string, wanted: Faults): Promise<Faults> {
  const maker = await connect(url, { purpose: "test" });
  const loaded: Faults = [];
  for (const fixture of wanted) {
    try {
      await maker.query(`begin; ${fixture.sql}; commit`);
      loaded.push(fixture);
    } catch (error) {
      await maker.query("rollback");
      if (!nameIsTaken.includes((error as { code?: string }).code ?? "")) throw error;
    }
  }
  await maker.end();
  return loaded;
}

test.each([
  { as: undefined, server: branch.ownerUrl },
  { as: "superuser", server: branch.superuserUrl },
])(
  "the SQL that mends many faults at once runs in one session, as $as, and leaves none",
  async ({ as, server }) => {
    let left = simple.filter(({ header }) => header.as === as);
    const sizes: number[] = [];
    while (left.length > 0) {
      const name = `together_${as ?? "owner"}_${sizes.length}`;
      const url = urlOf(branch.ownerUrl, name);
      await createDatabase(admin, name);
      await build(url, [{ ...(left[0] as Faults[number]), sql: base }]);
      const loaded = await build(urlOf(server, name), left);
      const codes = loaded.map(({ code }) => code);
      expect(codes).not.toEqual([]);
      const verify = () => verifyDatabase(url, "low", loaded[0]?.config);
      const script = toMigration(await planMending((await verify()).results));
      expect({ codes, failed: await runScript(urlOf(server, name), script) }, script).toEqual({
        codes,
        failed: [],
      });
      expect({ codes, failed: (await verify()).failed }).toEqual({ codes, failed: [] });
      await dropDatabase(admin, name);
      left = left.filter((fixture) => !loaded.includes(fixture));
      sizes.push(codes.length);
    }
    // or it would say nothing of many at once
    if (!as) expect(Math.max(...sizes)).toBeGreaterThan(10);
  },
  300_000,
);
