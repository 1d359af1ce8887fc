import { readFileSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { testDatabase } from "../support/database.ts";

// What a policy file says has to be what the migrations have made of it: whoever changes one writes a migration that includes it.
const { client } = await testDatabase();
const files = globSync("policies/**/*.sql", { cwd: packageRoot, ignore: "**/install.sql" }).sort();

/** Functions, policies and triggers, each with what is to be said of it. */
async function content(): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; text: string }>(
    `select p.oid::regprocedure::text as name, concat_ws(E'\n', pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'), p.proacl) as text
       from pg_proc p
      where p.prokind in ('f', 'p') and p.pronamespace in (select oid from pg_namespace where nspname in ('public', 'tenancy', 'pii', 'outbox', 'partitions'))
     union all
     select format('policy %s on %s', p.polname, p.polrelid::regclass),
            concat_ws(E'\n', p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy'))
       from pg_policy p
     union all
     select format('trigger %s on %s', t.tgname, t.tgrelid::regclass), concat_ws(E'\n', pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger'))
       from pg_trigger t where not t.tgisinternal`,
  );
  return new Map(rows.map(({ name, text }) => [name, text]));
}

/** What a file changes in a database that has all migrations. */
async function changes(sql: string): Promise<string[]> {
  const before = await content();
  await client.query("begin");
  try {
    await client.query(sql);
    const after = await content();
    return [...new Set([...before.keys(), ...after.keys()])].filter(
      (name) => before.get(name) !== after.get(name),
    );
  } finally {
    await client.query("rollback");
  }
}

test("what is new and what is changed is seen", async () => {
  expect(
    await changes(
      "create function tenancy.other() returns int language sql return 1; comment on function tenancy.is_background() is 'changed'",
    ),
  ).toEqual(expect.arrayContaining(["tenancy.other()", "tenancy.is_background()"]));
});

test.each(files)("%s changes nothing that the migrations have made", async (file) => {
  expect(await changes(readFileSync(join(packageRoot, file), "utf8"))).toEqual([]);
});
