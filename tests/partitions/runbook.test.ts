import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { QueryResult } from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { addEvents, addTenants, job } from "../outbox/support/outbox.ts";
import { testDatabase } from "../support/database.ts";

const { client, url } = await testDatabase();
const other = await connect(url, { purpose: "test" });
afterAll(() => other.end());
const [tenant = ""] = await addTenants(client, 1);

const blocks = ["runbooks/partitions.md", "partitions.md"].flatMap((page) =>
  [...readFileSync(join(packageRoot, "docs", page), "utf8").matchAll(/^( *)```sql\n([\s\S]*?)^ *```/gm)].map(
    (match) => ({ page, sql: (match[2] as string).trim() }),
  ),
);
const signals = blocks.flatMap(({ sql }) => {
  const name = /^-- signal: (\S+)$/m.exec(sql)?.[1];
  return name ? [{ name, sql }] : [];
});

/** What the one query among the statements answers. */
async function ask(sql: string): Promise<Record<string, unknown>[]> {
  const results = (await client.query(sql)) as QueryResult | QueryResult[];
  const selects = [results].flat().filter(({ command, fields }) => command === "SELECT" && fields.length > 1);
  return selects.flatMap(({ rows }) => rows);
}
const signal = (name: string) => ask(signals.find((each) => each.name === name)?.sql ?? "");

test.each(blocks)("$page: SQL that runs as it stands: $sql", async ({ sql }) => {
  await client.query(sql);
  await client.query("rollback");
});

test.each(signals)("$name is silent as long as all is well", async ({ sql }) => {
  expect(await ask(sql)).toEqual([]);
});

describe("what each is about makes it speak", () => {
  const faults: [name: string, fault: string, parent: string][] = [
    ["running-out", "drop its last two months", "observability_events"],
    ["gap", "drop its last month but one", "analytics_events"],
    ["not-isolated", "grant select on {child} to authenticated", "table_holds"],
    ["not-isolated", "grant update (id) on {child} to app_background", "table_holds"],
    ["not-isolated", "alter table {child} disable row level security", "observability_events"],
    ["not-isolated", "alter table {child} no force row level security", "observability_events"],
    ["not-isolated", "drop policy append_only_update on {child}", "analytics_events"],
    ["not-isolated", "create policy extra on {child} using (true)", "analytics_events"],
    ["detach-pending", "create table public.rest partition of {parent} default", "analytics_events"],
    ["index-incomplete", "create index extra on only {parent} (created_at)", "analytics_events"],
  ];
  test.each(faults)("%s: %s", async (name, fault, parent) => {
    const { rows } = await client.query(
      "select child::text, starts_at > now() as ahead from partitions.children($1::regclass) order by starts_at desc",
      [`public.${parent}`],
    );
    const ahead = rows.filter((row) => row.ahead).map((row) => row.child as string);
    // To run out the last two go, to have a gap the one before the last.
    const gone = name === "running-out" ? ahead.slice(0, 2) : ahead.slice(1, 2);
    const statement = fault.startsWith("drop its")
      ? `drop table ${gone.join(", ")}`
      : fault.replace("{child}", ahead[1] as string).replace("{parent}", `public.${parent}`);
    await client.query("begin");
    try {
      await client.query(statement);
      const found = await signal(name);
      expect(found).toHaveLength(1);
      expect(Object.values(found[0] ?? {})).toContain(parent);
    } finally {
      await client.query("rollback");
    }
  });

  test("detach-pending: a reader that stays, and DETACH CONCURRENTLY that gives up", async () => {
    const { rows } = await client.query(
      "select child::text from partitions.children('public.observability_events') order by starts_at limit 1",
    );
    await other.query("begin; select count(*) from public.observability_events");
    await client.query("set statement_timeout = '500ms'");
    const detach = `alter table public.observability_events detach partition ${rows[0].child}`;
    await expect(client.query(`${detach} concurrently`)).rejects.toMatchObject({ code: "57014" });
    await client.query("reset statement_timeout");
    expect(await signal("detach-pending")).toMatchObject([{ child: rows[0].child, is_detaching: true }]);
    await other.query("rollback");
    await client.query(`${detach} finalize`);
    expect(await signal("detach-pending")).toEqual([]);
  });

  test("archive-behind", async () => {
    await addEvents(client, tenant, 2);
    await job(client, () =>
      client.query(
        "update public.capacity_outbox set status = 'done', finished_at = now() - interval '10 days'",
      ),
    );
    expect(await signal("archive-behind")).toMatchObject([{ events: "2" }]);
    await job(client, () => client.query("select outbox.archive()"));
    expect(await signal("archive-behind")).toEqual([]);
  });
});
