import type { PoolClient } from "pg";
import { HarnessError } from "../core/errors.ts";
import { keepParametersOutOfErrors } from "./pii-key.ts";
import type { Identity } from "./tenant-context.ts";

/** What withTenant needs of a `pg` Pool. */
export interface TenantPool {
  connect(): Promise<PoolClient>;
}

/** A connection on which a tenant's transaction is open. */
export interface TenantConnection {
  client: PoolClient;
  /** What ended the connection while no statement was running on it. */
  lost: Error | undefined;
  /** Back to the pool; closed instead unless it is certain that nothing of the transaction is left on it. */
  release(clean: boolean): void;
}

/**
 * Checks a connection out and opens the transaction on it. Tried once more on another connection if this one breaks:
 * a pool learns only by using one that the server has closed it, and nothing of the caller's has run yet.
 */
export async function openTransaction(
  pool: TenantPool,
  identity: Identity,
  limits: Record<string, string>,
): Promise<TenantConnection> {
  try {
    return await tryOpen(pool, identity, limits);
  } catch (error) {
    if (!isConnectionLoss(error)) throw explainRole(error, identity.role);
  }
  return tryOpen(pool, identity, limits).catch((error) => {
    throw explainRole(error, identity.role);
  });
}

async function tryOpen(
  pool: TenantPool,
  { role, settings, secret }: Identity,
  limits: Record<string, string>,
): Promise<TenantConnection> {
  const connection = checkedOut(await pool.connect());
  const assignments = Object.entries({ role, ...limits, ...settings });
  // Bound parameters, so that no value is ever part of a statement; unnamed, so that a transaction pooler can do it.
  const setContext = assignments
    .map((_, i) => `pg_catalog.set_config($${2 * i + 1}, $${2 * i + 2}, true)`)
    .join(", ");
  try {
    await connection.client.query(secret ? `begin; ${keepParametersOutOfErrors}` : "begin");
    await connection.client.query(`select ${setContext}`, assignments.flat());
    return connection;
  } catch (error) {
    await abandon(connection);
    throw error;
  }
}

/** Ends the transaction without effect. Never throws: whoever calls it has an error already that matters more. */
export async function abandon(connection: TenantConnection): Promise<void> {
  let clean = false;
  if (!connection.lost) {
    clean = await connection.client.query("rollback").then(
      () => isClean(connection.client),
      () => false,
    );
  }
  connection.release(clean);
}

/** Whether no transaction is open any more, or the driver is one that cannot tell. */
export function isClean(client: PoolClient): boolean {
  return (transactionStatus(client) ?? "I") === "I";
}

/** I: none is open. T: one is. E: one has failed and waits for its end. */
export function transactionStatus(client: PoolClient): string | undefined {
  return (client as Partial<PoolClient>).getTransactionStatus?.() ?? undefined;
}

/** The connection broke, as opposed to: the server refused a statement. */
export function isConnectionLoss(error: unknown): boolean {
  const { code = "", message = "" } = (error ?? {}) as { code?: string; message?: string };
  return (
    /^(ECONNRESET|EPIPE|57P0[123]|25P03|08\w{3})$/.test(code) ||
    /^Connection (terminated unexpectedly|ended unexpectedly)|not queryable/.test(message)
  );
}

function checkedOut(client: PoolClient): TenantConnection {
  const connection: TenantConnection = { client, lost: undefined, release };
  const remember = (error: Error) => {
    connection.lost ??= error;
  };
  // While a client is checked out the pool does not listen, and an unheard error would end the process.
  client.on("error", remember);
  function release(clean: boolean): void {
    client.release(!clean || connection.lost !== undefined);
    client.off("error", remember);
  }
  return connection;
}

function explainRole(error: unknown, role: string): unknown {
  const { code, message = "" } = error as { code?: string; message?: string };
  if (!(code === "42501" && /set role/.test(message)) && !(code === "22023" && /role/.test(message)))
    return error;
  return new HarnessError({
    code: "role-refused",
    message: `the connection cannot become "${role}": ${message}`,
    hint: "Run harness setup on this branch: it creates the role and lets the owner become it.",
    cause: error,
  });
}
