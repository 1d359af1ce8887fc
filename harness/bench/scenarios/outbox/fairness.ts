import { enter, fairClaim, queueOf, type State } from "./queues.ts";

const small = "tenant 1";
const large = "tenant 2";
const smallBacklog = 100;

/** How many claims of 20 it takes to serve a tenant's 100 events, beside so many times as many of another. Rolled back. */
export async function claimsUntilServed(state: State, times: number): Promise<number> {
  const { client } = state;
  const queue = await queueOf(state, "fair", 0);
  await enter(client, "app_background");
  try {
    await client.query(
      `insert into ${queue} (restaurant_id, event_type, dedupe_key)
       select md5(tenant)::uuid, 'e', gen_random_uuid()::text
         from (values ($1::text, $2::integer), ($3, $4)) as b (tenant, events), generate_series(1, b.events)`,
      [small, smallBacklog, large, times * smallBacklog],
    );
    const { rows } = await client.query("select md5($1)::uuid as id", [small]);
    for (let claims = 1, left = smallBacklog; ; claims++) {
      const claimed = await fairClaim(client, queue, 20);
      left -= claimed.rows.filter(({ tenant }) => tenant === rows[0].id).length;
      if (left === 0) return claims;
      if (claimed.rowCount === 0) throw new Error(`${left} events were never claimed`);
    }
  } finally {
    await client.query("rollback");
  }
}
