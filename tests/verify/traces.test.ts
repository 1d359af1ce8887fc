import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { verifyDatabase } from "../support/verify.ts";

// Everything here counts: triggers, policies, defaults, constraints, indexes. After verify each sequence is where it was, and no table has grown.
const { client, url } = await testDatabase("empty");
const config = {
  isolation: {
    tenantColumn: "tenant_id",
    tenantRoles: ["authenticated"],
    context: { setting: "app.tenant_id" },
  },
};
const own = "tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)";

/** A table with a sequence of its own, and what might move it. */
const table = (name: string, columns: string, policy: string, after = "") => `
  create sequence public.${name}_calls; grant usage on sequence public.${name}_calls to authenticated;
  create function public.${name}_volatile() returns boolean language plpgsql as $$ begin perform nextval('public.${name}_calls'); return true; end $$;
  create function public.${name}_liar() returns boolean language plpgsql stable as $$ begin perform nextval('public.${name}_calls'); return true; end $$;
  create function public.${name}_fixed(uuid) returns boolean language plpgsql immutable as $$ begin perform nextval('public.${name}_calls'); return true; end $$;
  create function public.${name}_fired() returns trigger language plpgsql security definer as
    $$ begin perform nextval('public.${name}_calls'); return coalesce(new, old); end $$;
  create table public.${name} (tenant_id uuid, ${columns.replaceAll("NAME", name)});
  ${policy ? `alter table public.${name} enable row level security, force row level security; create policy t on public.${name} to authenticated ${policy.replaceAll("NAME", name)};` : ""}
  grant select, insert, update, delete on public.${name} to authenticated;
  ${after.replaceAll("NAME", name)}`;
const trigger = (when: string) => `create ${when} for each row execute function public.NAME_fired();`;

test("verify moves no sequence and leaves no row, whatever is in its way", async () => {
  const statement =
    "create trigger s after insert on public.NAME for each statement execute function public.NAME_fired();";
  await client.query(
    [
      table("open_after", "id bigserial, note text", "", trigger("trigger a after insert on public.NAME")),
      table("open_statement", "id bigint generated always as identity", "", statement),
      table("open_before", "note text", "", trigger("trigger b before insert on public.NAME")),
      table(
        "open_late",
        "note text",
        "",
        trigger("constraint trigger d after insert on public.NAME deferrable initially deferred"),
      ),
      table("careless", "note text", "using (true)", trigger("trigger a after insert on public.NAME")),
      table(
        "closed_after",
        "id bigserial",
        `using (${own})`,
        trigger("trigger a after insert on public.NAME"),
      ),
      table(
        "no_check",
        "note text",
        `using (${own}) with check (true)`,
        trigger("trigger a after insert on public.NAME"),
      ),
      table("writing", "note text", `using (${own} and public.NAME_volatile())`),
      table("lying", "note text", `using (${own} and public.NAME_liar())`),
      table("folding", "note text", `using (${own} and public.NAME_fixed(tenant_id))`),
      table("writes_check", "note text", `using (${own}) with check (public.NAME_volatile())`),
      table("constrained", "note text, check (public.NAME_fixed(tenant_id))", "using (true)"),
      table(
        "indexed",
        "note text",
        "using (true)",
        "create index on public.NAME (public.NAME_fixed(tenant_id));",
      ),
      table(
        "derived",
        "note text, d boolean generated always as (public.NAME_fixed(tenant_id)) stored",
        "using (true)",
      ),
      table("defaulted", "n bigint default nextval('public.NAME_calls')", `using (${own})`),
      table(
        "ruled",
        "note text",
        `using (${own})`,
        "create rule r as on insert to public.NAME do also select nextval('public.NAME_calls');",
      ),
      "create domain public.counted as text check (nextval('public.in_domain_calls') > 0);".replace(
        /^/,
        "create sequence public.in_domain_calls; grant usage on sequence public.in_domain_calls to authenticated; ",
      ),
      "create table public.in_domain (tenant_id uuid, note public.counted); grant select, insert on public.in_domain to authenticated;",
      "create table public.parent (tenant_id uuid not null, id int, primary key (tenant_id, id)); create table public.child (tenant_id uuid, id int, foreign key (tenant_id, id) references public.parent); grant select, insert on public.child, public.parent to authenticated;",
    ].join("\n"),
  );
  const traces = async () => {
    const { rows } = await client.query(
      `select sequencename as name, last_value::text as value from pg_sequences where schemaname = 'public'
       union all
       select relname, pg_relation_size(oid)::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`,
    );
    return rows;
  };
  const before = await traces();
  expect(before.length).toBeGreaterThan(30);
  const { failed, undecided } = await verifyDatabase(url, "medium", config);
  expect(await traces()).toEqual(before);
  // it was not quiet because it looked away: what is open is found, and what would have to write is not passed
  for (const open of [
    "open_after",
    "open_statement",
    "open_before",
    "open_late",
    "careless",
    "no_check",
    "constrained",
  ])
    expect(failed).toContain(`H202 public.${open}`);
  expect(failed).not.toContain("H202 public.closed_after");
  for (const writing of ["writing", "lying"]) expect(undecided).toContain(`H201 public.${writing}`);
  await client.query("select nextval('public.writing_calls')");
  expect(await traces()).not.toEqual(before);
});
