import type { ClientBase } from "pg";
import { HarnessError } from "../core/errors.ts";
import { patiently } from "../sql/patience.ts";
import { asJob, type Keys } from "./session.ts";

/** A guest, or all guests of a tenant. */
export interface Subject {
  tenant: string;
  /** Null: all of the tenant. */
  customer: string | null;
}

/**
 * The guest with an id. Ids are unique within a tenant only, so the tenant may have to be said.
 * @throws HarnessError `nobody-there`, `ambiguous-customer`
 */
export async function findCustomer(client: ClientBase, customer: string, tenant?: string): Promise<Subject> {
  const { rows } = await asJob(client, "read only", {}, () =>
    client.query<{ tenant: string }>(
      "select restaurant_id as tenant from public.customers where id = $1 and restaurant_id = coalesce($2, restaurant_id) order by 1 limit 2",
      [customer, tenant ?? null],
    ),
  );
  const [found, another] = rows;
  if (!found) {
    throw new HarnessError({
      code: "nobody-there",
      message: `there is no customer ${customer}${tenant ? ` of ${tenant}` : ""}`,
      hint: "Check the id; nothing was changed.",
    });
  }
  if (another) {
    throw new HarnessError({
      code: "ambiguous-customer",
      message: `several tenants have a customer ${customer}`,
      hint: "Say whose with --tenant.",
    });
  }
  return { tenant: found.tenant, customer };
}

/** Rows that were cleared, by table; `keys`, and `buried`: events that waited and are not sent. */
export type Cleared = Record<string, number>;

export interface EraseOptions {
  /** Changes nothing: counts what would be cleared. */
  dryRun: boolean;
  /** Do not look elsewhere for an address that is sealed, which takes the key. */
  withoutValues: boolean;
}

const limits = { statementTimeoutMs: 60 * 60_000 };

/**
 * Erases a guest, or a tenant with its keys. May be done again.
 * @throws HarnessError `missing-pii-key`, `erasure-incomplete`
 */
export function erase(
  client: ClientBase,
  { tenant, customer }: Subject,
  keys: Keys,
  { dryRun, withoutValues }: EraseOptions,
): Promise<Cleared> {
  const [statement, values]: [string, unknown[]] = customer
    ? ["select pii.erase_customer($1, $2, $3, $4) as cleared", [tenant, customer, withoutValues, dryRun]]
    : ["select pii.erase_tenant($1, $2) as cleared", [tenant, dryRun]];
  const once = async () =>
    (await client.query<{ cleared: Cleared }>(statement, values)).rows[0]?.cleared ?? {};
  return patiently(() => asJob(client, dryRun ? "read only" : "read write", keys, once, limits));
}

/** Where something of a guest stands. */
export interface Place {
  table: string;
  column: string;
  rows: number;
  /** What erasure knows of the column (docs/pii.md); null: nothing, so that it passes it by. */
  holds: string | null;
}

/**
 * Where a guest's address, number or whole name stands in the tenant's rows.
 * @param also more to look for, such as the address of a guest who has been erased
 * @throws HarnessError `missing-pii-key`
 */
export function findPlaces(
  client: ClientBase,
  { tenant, customer }: Subject,
  keys: Keys,
  also: readonly string[],
  withoutValues: boolean,
): Promise<Place[]> {
  return patiently(() =>
    asJob(
      client,
      "read only",
      keys,
      async () =>
        (
          await client.query<Place>(
            `select relation as table, column_name as column, found::int as rows, holds
               from pii.find_customer($1, $2, $3, $4) order by relation, column_name`,
            [tenant, customer, also, withoutValues],
          )
        ).rows,
      limits,
    ),
  );
}

/** Everything that is stored about a guest, in clear. */
export function exportCustomer(
  client: ClientBase,
  { tenant, customer }: Subject,
  keys: Keys,
): Promise<unknown> {
  return asJob(
    client,
    "read only",
    keys,
    async () =>
      (await client.query("select pii.export_customer($1, $2) as export", [tenant, customer])).rows[0]
        ?.export,
  );
}
