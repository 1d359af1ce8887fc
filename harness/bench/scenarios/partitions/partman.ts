import type { Client } from "pg";
import { HarnessError } from "../../../core/errors.ts";

/** @throws HarnessError `peer-not-installed` */
export async function installPartman(client: Client): Promise<void> {
  const { rowCount } = await client.query("select from pg_available_extensions where name = 'pg_partman'");
  if (!rowCount) {
    throw new HarnessError({
      code: "peer-not-installed",
      message: "pg_partman is not available on this server",
      hint: "Debian has it: postgresql-15-partman, for a server of postgresql-15. Name it with --database-url.",
    });
  }
  await client.query(
    "create schema if not exists partman; create extension if not exists pg_partman schema partman",
  );
}

/**
 * Its own way for a table in use: the old table becomes the DEFAULT partition, and its rows are moved out of it month by month. The key
 * is built beforehand, so that the exchange need not. Answers with how that ended.
 */
export async function convertByPartman(client: Client): Promise<string> {
  await client.query("create unique index concurrently events_id_at_key on bench.events (id, at)");
  try {
    await client.query(`
      begin;
      lock table bench.events in access exclusive mode;
      alter table bench.events rename to events_before;
      alter table bench.events_before drop constraint events_pkey, alter id drop identity;
      alter table bench.events_before add constraint events_before_pkey primary key using index events_id_at_key;
      create table bench.events (like bench.events_before including defaults) partition by range (at);
      create sequence bench.events_by_month_seq start 1000000000 owned by bench.events.id;
      alter table bench.events alter id set default nextval('bench.events_by_month_seq'), add primary key (id, at);
      create index on bench.events (tenant, at);`);
    const { rows } = await client.query<{ major: number }>(
      "select split_part(extversion, '.', 1)::int as major from pg_extension where extname = 'pg_partman'",
    );
    const kind =
      (rows[0]?.major ?? 5) < 5 ? "p_type => 'native', p_interval => 'monthly'" : "p_interval => '1 month'";
    // Its partitions begin where the old table has no rows, or that could not be attached.
    await client.query(
      `select partman.create_parent(p_parent_table => 'bench.events', p_control => 'at', ${kind}, p_premake => 3,
                                    p_start_partition => (date_trunc('month', now()) + interval '1 month')::text)`,
    );
    await client.query(`
      drop table bench.events_default;
      alter table bench.events attach partition bench.events_before default;
      commit;`);
    await client.query("call partman.partition_data_proc('bench.events', p_wait => 0, p_quiet => true)");
    return "converted";
  } catch (error) {
    await client.query("rollback");
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  }
}

/** So that the next round begins with a plain table. */
export async function forgetPartman(client: Client): Promise<void> {
  await client.query(
    "drop table if exists bench.events cascade; drop table if exists bench.events_before cascade",
  );
  await client.query("delete from partman.part_config; drop table if exists partman.template_bench_events");
}
