import { afterAll, beforeAll, expect, test } from "vitest";
import { planMending, toMigration } from "../../harness/report/mending-sql.ts";
import { formatNames } from "../../harness/report/write.ts";
import { createDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { runScript } from "../support/psql.ts";
import { type Findings, verifyDatabase } from "../support/verify.ts";
import { plain, report } from "./support/report.ts";

// Names in a real database that try to leave their quotes, a comment, a line, the terminal, Markdown, orders of GitHub and of graphile-migrate.
const names = [
  'a"; create table public.pwned(); --',
  "b\n\\! touch pwned\n",
  "c\n--! include /etc/passwd",
  "d\u001b]0;owned\u0007\u001b[2J",
  "<img src=x onerror=alert(1)>",
  "e\n::set-output name=x::y",
  "`x` [l](javascript:1) ![i](http://x/y)",
  "f*/ create table public.pwned(); /*",
  "$$; create table public.pwned(); $$",
  "%s%I%L",
  "g'||(select 1)||'",
  "-- h",
  ":DATABASE_OWNER",
  "i\\'; create table public.pwned(); --\u0001",
  "j\u009b31m\u0085",
  "k\u202eelbat\u2066",
  "l\u200b\u2060\ufeff",
  "m\r\n\tn",
  "##[error]n",
  "o\u2028\u{e0041}",
];
const config = {
  isolation: { tenantColumn: "tenant_id", tenantRoles: ["app_user"], context: { setting: "app.tenant_id" } },
};

const branch = await createThrowawayBranch({ flavor: "neon" });
const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
afterAll(async () => {
  await admin.end();
  await branch.stop();
});

let found: Findings;
let url: string;
let mended: () => Promise<string[]>;
beforeAll(async () => {
  await createDatabase(admin, "names");
  url = urlOf(branch.ownerUrl, "names");
  const owner = await connect(url, { purpose: "test" });
  await owner.query("create role app_user; grant app_user to current_user with set true");
  for (const [at, name] of names.entries()) {
    await owner.query("select set_config('names.name', $1, false)", [name]);
    await owner.query(`do $do$
      declare n text := current_setting('names.name');
      begin
        execute format('create schema %I; grant usage on schema %1$I to app_user', n);
        execute format('create table %I.%1$I (tenant_id uuid not null, %1$I int, id int, constraint %2$I unique (id))', n, n || 'k');
        if ${at % 2 === 0} then
          execute format('alter table %I.%1$I enable row level security', n);
          execute format('create policy %I on %1$I.%1$I to app_user using (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid or true)', n);
        end if;
        execute format('grant all on %I.%1$I to app_user', n);
        execute format('create function %I.%1$I() returns bigint language sql security definer as %L', n, format('select count(*) from %I.%1$I', n));
        execute format('create view %I.%I as select * from %1$I.%1$I; grant select on %1$I.%2$I to app_user', n, n || 'v');
        execute format('create materialized view %I.%I as select * from %1$I.%1$I; grant select on %1$I.%2$I to app_user', n, n || 'm');
      end $do$`);
  }
  await owner.query(
    "create table public.base (tenant_id uuid not null, id int); alter table public.base enable row level security",
  );
  await owner.end();
  const schemas = { isolation: { ...config.isolation, schemas: ["public", ...names] } };
  found = await verifyDatabase(url, "low", schemas);
  mended = async () => (await verifyDatabase(url, "low", schemas)).failed;
}, 120_000);

const unshowable = /[^\P{C}\n\t]|[\p{Zl}\p{Zp}]|(?! )\p{Zs}|##\[/u;

test("every name is found with fault", () => {
  expect(found.undecided).toEqual([]);
  for (const name of names)
    expect(found.failed.some((each) => each.includes(name.replaceAll('"', '""')))).toBe(true);
});

test.each(formatNames())("%s shows nothing that steers", async (name) => {
  const { default: format } = await import(`../../harness/report/formats/${name}.ts`);
  const text: string = format(report(found.results), plain);
  expect(
    unshowable.exec(text.replaceAll("\u200b", name === "markdown" || name === "sarif" ? "" : "\u200b")),
  ).toBeNull();
  expect(text.split("\n").filter((line) => /^\s*::(?!error |warning |notice )/.test(line))).toEqual([]);
});

test("what --fix prints shows nothing that steers, runs in psql, and mends", async () => {
  const script = toMigration(await planMending(found.results));
  expect(unshowable.exec(script)).toBeNull();
  expect(script).not.toMatch(/^--!|^\s*::|^\s*\\/m);
  expect(script.replace(/^--.*$/gm, "")).not.toMatch(/--!|:DATABASE_(?:OWNER|NAME)\b/);
  expect(await runScript(url, script)).toEqual([]);
  expect(await mended()).toEqual([]);
  const owner = await connect(url, { purpose: "test" });
  const { rows } = await owner.query(
    "select relname from pg_class where relname like '%pwned' and relname not like '%;%'",
  );
  expect(rows).toEqual([]);
  await owner.end();
});
