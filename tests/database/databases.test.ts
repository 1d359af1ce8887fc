import { randomBytes } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { createDatabase, dated, dropAbandoned, dropDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";

describe("a plain owner", async () => {
  const branch = await createThrowawayBranch({ flavor: "plain" });
  const owner = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
  const superuser = await connect(branch.superuserUrl, { purpose: "test", database: "postgres" });
  afterAll(async () => {
    await owner.end();
    await superuser.end();
    await branch.stop();
  });
  const named = () => `dropped_${randomBytes(4).toString("hex")}`;
  const exists = async (name: string) =>
    (await superuser.query("select from pg_database where datname = $1", [name])).rows.length > 0;

  test("drops a database with sessions of its own in it", async () => {
    const name = named();
    await createDatabase(owner, name);
    await connect(urlOf(branch.ownerUrl, name), { purpose: "test" });
    await dropDatabase(owner, name);
    expect(await exists(name)).toBe(false);
  });

  test("waits for a session that it may not end, as autovacuum's is", async () => {
    const name = named();
    await createDatabase(owner, name);
    const stranger = await connect(urlOf(branch.superuserUrl, name), { purpose: "test" });
    await connect(urlOf(branch.ownerUrl, name), { purpose: "test" });
    const refused = owner.query(`drop database ${name} with (force)`);
    await expect(refused).rejects.toMatchObject({ code: "42501" });
    const dropping = dropDatabase(owner, name);
    // its own session is ended at once, and then it waits
    for (let others = 1; others > 0; ) {
      const { rows } = await superuser.query(
        "select count(*)::int as n from pg_stat_activity where datname = $1 and usename = $2",
        [name, owner.user],
      );
      others = rows[0].n;
    }
    await stranger.end();
    await dropping;
    expect(await exists(name)).toBe(false);
  });

  test("does not wait for what it will never be allowed", async () => {
    const name = named();
    await superuser.query(`create database ${name}`);
    await expect(dropDatabase(owner, name)).rejects.toMatchObject({ code: "42501" });
    await superuser.query(`drop database ${name}`);
  });

  test("what a killed run left is dropped once it is old, and nobody is in it", async () => {
    const old = (Date.now() - 11 * 60_000).toString(36);
    const [left, used, fresh, other] = [
      `harness_test_${old}_aaaaaaaa`,
      `harness_test_${old}_bbbbbbbb`,
      dated("harness_test_"),
      "harness_test_mine",
    ];
    for (const name of [left, used, fresh, other]) await createDatabase(owner, name);
    const user = await connect(urlOf(branch.ownerUrl, used), { purpose: "test" });
    await dropAbandoned(owner, "harness_test_");
    expect(await exists(left)).toBe(false);
    for (const name of [used, fresh, other]) expect(await exists(name)).toBe(true);
    await user.end();
  });

  test("a database that is not there is none to drop", async () => {
    await dropDatabase(owner, named());
  });
});
