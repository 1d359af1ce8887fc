import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { verifyDatabase } from "../support/verify.ts";

// What a database can throw at verify: it names the object, judges the rest, and neither crashes nor executes what it should not.
const { client, url } = await testDatabase();

async function withObjects<T>(create: string, drop: string, work: () => Promise<T>): Promise<T> {
  await client.query(create);
  try {
    return await work();
  } finally {
    await client.query(drop);
  }
}

test("a table with as many columns as Postgres allows", async () => {
  // 1,600 is the most that a table takes; a row of so many wide values would not fit a page, one of NULLs does
  const columns = Array.from({ length: 1_598 }, (_, at) => `c${at} int`).join(", ");
  await withObjects(
    `create table public.wide (id uuid primary key, restaurant_id uuid not null, ${columns}); select tenancy.protect('public.wide', 'restaurant_id')`,
    "drop table public.wide",
    async () => {
      const { failed, undecided } = await verifyDatabase(url);
      expect({
        failed: failed.filter((line) => line.includes("wide") && !line.startsWith("H9")),
        undecided,
      }).toEqual({ failed: [], undecided: [] });
    },
  );
});

test("views that divide by zero, functions that raise, a rule, a foreign key to oneself", async () => {
  await withObjects(
    `create view public.broken as select 1 / 0 as n;
     create function public.explode() returns boolean language plpgsql as $$ begin raise exception 'boom'; end $$;
     create view public.exploding with (security_invoker = true) as select * from public.bookings where public.explode();`,
    "drop view public.broken, public.exploding; drop function public.explode()",
    async () => {
      const { results } = await verifyDatabase(url);
      expect(
        results.find(({ code, object }) => code === "H201" && object === "public.bookings")?.outcome,
      ).toBe("pass");
      expect(results.filter(({ outcome }) => outcome === "error")).toEqual([]);
    },
  );
});

test.each([
  ["quotes and a statement", `t"; drop table public.bookings; --`],
  ["a newline", "t\nselect 1"],
  ["63 bytes", "t".repeat(63)],
  ["a backslash, a dollar quote, a format specifier", "t\\ $pass$ %s %1$I"],
  ["another alphabet", "таблица 表 🏔"],
])("a table whose name has %s", async (_, name) => {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  const literal = `'public.${quoted.replaceAll("'", "''")}'`;
  await withObjects(
    `create table public.${quoted} (${quoted} uuid primary key, restaurant_id uuid not null, name text not null); alter table public.${quoted} disable row level security`,
    `drop table public.${quoted}`,
    async () => {
      const broken = await verifyDatabase(url);
      const { rows } = await client.query("select format('%I', $1::text) as shown", [name]);
      expect(broken.failed).toContain(`H201 public.${rows[0].shown}`);
      await client.query(broken.fixes);
      expect((await verifyDatabase(url)).failed.filter((line) => !line.startsWith("H9"))).toEqual([]);
      expect(
        (await client.query(`select relrowsecurity from pg_class where oid = ${literal}::regclass`)).rows,
      ).toEqual([{ relrowsecurity: true }]);
    },
  );
  expect((await client.query("select to_regclass('public.bookings') is not null as there")).rows).toEqual([
    { there: true },
  ]);
});

test("a policy that raises for everybody, and one that calls what the tenant may not", async () => {
  await withObjects(
    `create function public.secret() returns boolean language sql stable return true;
     revoke execute on function public.secret() from public;
     create table public.odd (id uuid primary key, restaurant_id uuid not null, name text not null);
     alter table public.odd enable row level security, force row level security;
     create policy odd on public.odd to authenticated using ((select public.secret()) and restaurant_id = (select public.current_restaurant_id()))`,
    "drop table public.odd; drop function public.secret()",
    async () => {
      const { undecided, failed } = await verifyDatabase(url, "medium");
      expect(undecided.filter((line) => line.endsWith("public.odd"))).toContain("H201 public.odd");
      expect(failed.filter((line) => line === "H201 public.odd")).toEqual([]);
    },
  );
});

test("a tenant role with a name that has to be quoted", async () => {
  const role = 'Hostile "Role"';
  const quoted = `"${role.replaceAll('"', '""')}"`;
  await client.query(
    `create role ${quoted} nologin; grant ${quoted} to current_user with set true; grant usage on schema public to ${quoted}`,
  );
  await withObjects(
    `create table public.plain (id uuid primary key, restaurant_id uuid not null, name text not null); grant select on public.plain to ${quoted}`,
    `drop table public.plain; revoke usage on schema public from ${quoted}; drop role ${quoted}`,
    async () => {
      const isolation = {
        tenantColumn: "restaurant_id",
        tenantRoles: [role],
        context: { claim: "activeRestaurantId" },
      };
      const { failed, undecided } = await verifyDatabase(url, "medium", { isolation });
      expect(failed).toContain("H101 public.plain");
      expect(undecided.filter((line) => line.endsWith("public.plain"))).toEqual([]);
    },
  );
});
