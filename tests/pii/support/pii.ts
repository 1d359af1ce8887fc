import { randomBytes } from "node:crypto";
import type { Client } from "pg";

export const newKey = () => randomBytes(32).toString("hex");

export interface Session {
  role: "app_background" | "authenticated" | "pii_reader";
  tenant?: string;
  key?: string;
  nextKey?: string;
}

/** One transaction as somebody: committed when it returns, rolled back when it throws. */
export async function as<T>(client: Client, session: Session, fn: () => Promise<T>): Promise<T> {
  await client.query("begin");
  try {
    await client.query(
      `select set_config('app.pii.key', $1, true), set_config('app.pii.next_key', $2, true),
              set_config('app.restaurant_id', $3, true), set_config('app.job', $4, true), set_config('role', $5, true)`,
      [
        session.key ?? "",
        session.nextKey ?? "",
        session.tenant ?? "",
        session.role === "app_background" ? "test" : "",
        session.role,
      ],
    );
    const answer = await fn();
    await client.query("commit");
    return answer;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/** As the owner, with a key. */
export async function moveTo(client: Client, phase: string, key: string): Promise<void> {
  await client.query("begin");
  try {
    await client.query("select set_config('app.pii.key', $1, true)", [key]);
    await client.query("select pii.move_to('public.customers', $1)", [phase]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/** Seals until nothing is left; how many rows that was. */
export async function sealAll(client: Client, key: string, batch = 100): Promise<number> {
  let total = 0;
  for (;;) {
    const changed = await as(client, { role: "app_background", key }, async () => {
      const { rows } = await client.query("select changed from pii.seal_batch('public.customers', $1)", [
        batch,
      ]);
      return rows[0].changed as number;
    });
    total += changed;
    if (changed === 0) return total;
  }
}

export async function addRestaurant(client: Client, id: string): Promise<void> {
  await as(client, { role: "app_background" }, () =>
    client.query(
      "insert into public.restaurants (id, name, time_zone, currency, phone_country_code) values ($1, 'R', 'UTC', 'EUR', '39')",
      [id],
    ),
  );
}
