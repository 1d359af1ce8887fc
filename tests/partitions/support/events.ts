import type { Client } from "pg";
import type { Random } from "./random.ts";

// Rows of public.events as their writers were told that they have lasted, and writers who change them at random.

export interface Row {
  at: string;
  value: number;
}

/** By id. */
export type Model = Map<number, Row>;

/** So many rows nobody ever deletes, though they are changed and moved: whoever counts them has to find all of them, once, at any moment. */
export const keptRows = 300;

const months = ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"];
export const someTime = (random: Random) =>
  `${random.pick(months)}-${String(1 + random.below(28)).padStart(2, "0")} 12:00:00+00`;

/** @param key of the table: with the partition key in it, or without */
export async function createEvents(
  client: Client,
  random: Random,
  rows: number,
  key: string,
): Promise<Model> {
  const model: Model = new Map();
  await client.query(`
    create table public.events (id bigint not null, at timestamptz not null, value integer not null, filler text, primary key (${key}));
    create index events_at_idx on public.events (at)`);
  for (let id = 1; id <= rows; id++) model.set(id, { at: someTime(random), value: random.below(1000) });
  await client.query(
    "insert into public.events (id, at, value, filler) select *, repeat('x', 50) from unnest($1::bigint[], $2::timestamptz[], $3::int[])",
    [
      [...model.keys()],
      [...model.values()].map(({ at }) => at),
      [...model.values()].map(({ value }) => value),
    ],
  );
  await client.query("analyze public.events");
  return model;
}

export async function readEvents(client: Client): Promise<string[]> {
  const { rows } = await client.query(
    `select id::int as id, to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || '+00' as at, value from public.events order by id, at`,
  );
  return rows.map(({ id, at, value }) => `${id} ${at} ${value}`);
}

export const asLines = (model: Model): string[] =>
  [...model].sort(([a], [b]) => a - b).map(([id, { at, value }]) => `${id} ${at} ${value}`);

const passing = new Set(["40001", "40P01", "55P03"]);

export interface Written {
  committed: number;
  inserted: number;
  changed: number;
  moved: number;
  deleted: number;
  upserted: number;
}

/**
 * Inserts, changes, moves, deletes and upserts rows until it is told to stop. Writers share the table and not their rows (ids by remainder), so
 * that the model is certain; what lies between them and the conversion is all of the table.
 */
export async function write(
  client: Client,
  model: Model,
  random: Random,
  { writer, writers, upsert, go }: { writer: number; writers: number; upsert: boolean; go: () => boolean },
): Promise<Written> {
  const done: Written = { committed: 0, inserted: 0, changed: 0, moved: 0, deleted: 0, upserted: 0 };
  let nextId = 1_000_000 + writer;
  const own = () => [...model.keys()].filter((id) => id % writers === writer);
  let ids = own();
  while (go()) {
    if (done.committed % 50 === 0) ids = own();
    const isolation = random.chance(0.2) ? "repeatable read" : "read committed";
    const changes = new Map<number, Row | null>();
    const tally: (keyof Written)[] = [];
    const current = (id: number) => (changes.has(id) ? changes.get(id) : model.get(id)) ?? null;
    try {
      await client.query(`begin isolation level ${isolation}`);
      for (let left = 1 + random.below(4); left > 0; left--) {
        const id = random.pick(ids);
        const row = current(id);
        const what = random.below(10);
        if (what < 2) {
          const fresh = { at: someTime(random), value: random.below(1000) };
          await client.query("insert into public.events (id, at, value) values ($1, $2, $3)", [
            nextId,
            fresh.at,
            fresh.value,
          ]);
          changes.set(nextId, fresh);
          nextId += writers;
          tally.push("inserted");
        } else if (!row) {
          // Gone: it comes back, as itself, or not at all.
          const fresh = { at: someTime(random), value: random.below(1000) };
          await client.query("insert into public.events (id, at, value) values ($1, $2, $3)", [
            id,
            fresh.at,
            fresh.value,
          ]);
          changes.set(id, fresh);
          tally.push("inserted");
        } else if (what < 4) {
          const value = random.below(1000);
          await client.query({
            name: "change",
            text: "update public.events set value = $2 where id = $1",
            values: [id, value],
          });
          changes.set(id, { ...row, value });
          tally.push("changed");
        } else if (what < 7) {
          const at = someTime(random);
          await client.query({
            name: "move",
            text: "update public.events set at = $2 where id = $1",
            values: [id, at],
          });
          changes.set(id, { ...row, at });
          tally.push("moved");
        } else if (what < 9 && id > keptRows) {
          await client.query("delete from public.events where id = $1", [id]);
          changes.set(id, null);
          tally.push("deleted");
        } else if (upsert) {
          const value = random.below(1000);
          await client.query(
            "insert into public.events (id, at, value) values ($1, $2, $3) on conflict (id, at) do update set value = excluded.value",
            [id, row.at, value],
          );
          changes.set(id, { ...row, value });
          tally.push("upserted");
        }
      }
      if (random.chance(0.1)) {
        await client.query("rollback");
        continue;
      }
      await client.query("commit");
    } catch (error) {
      await client.query("rollback");
      if (passing.has((error as { code: string }).code)) continue;
      throw error;
    }
    for (const [id, row] of changes) {
      if (row) model.set(id, row);
      else model.delete(id);
    }
    for (const what of tally) done[what]++;
    done.committed++;
  }
  return done;
}

/** Counts the rows that are never deleted, by index and by scan; every count that is not right. */
export async function count(client: Client, go: () => boolean): Promise<{ counts: number; wrong: number[] }> {
  const wrong: number[] = [];
  let counts = 0;
  while (go()) {
    const { rows } = await client.query("select count(*)::int as number from public.events where id <= $1", [
      keptRows,
    ]);
    if (rows[0].number !== keptRows) wrong.push(rows[0].number);
    counts++;
  }
  return { counts, wrong };
}
