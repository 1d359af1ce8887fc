import type { QueryResult, QueryResultRow } from "pg";
import { HarnessError } from "../core/errors.ts";
import { withPiiKey } from "./pii-key.ts";
import { openTransaction, type TenantPool } from "./tenant-connection.ts";
import { identify, type TenantContext } from "./tenant-context.ts";
import { TenantTransaction } from "./tenant-transaction.ts";

/** What the function given to withTenant works with: statements, and nothing that could outlive them. */
export interface TenantQueries {
  query<R extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<R>>;
}

export interface TenantOptions {
  /**
   * Milliseconds that the transaction may wait for the function's next statement before the server ends it.
   * Default 1000; 0 waits for ever.
   */
  maxIdleMs?: number;
  /** Milliseconds one statement may take. Default: whatever the server allows. */
  statementTimeoutMs?: number;
  /**
   * The key of PII protection, 64 to 256 hexadecimal digits: for writes of protected columns, look-ups by them and the decrypting
   * views (docs/pii.md). It goes to the server as a bind parameter, for this transaction.
   */
  piiKey?: string;
  /** The configuration that `{ tenant }` refers to. Default: harness.config.json, found upwards. */
  config?: string;
}

const defaultMaxIdleMs = 1_000;

/**
 * Runs `fn` as a tenant, in one transaction: committed when it returns, rolled back when it throws. The transaction
 * begins with the first statement, so whatever `fn` fetches before that holds no connection.
 *
 * A connection that turns out to be broken is replaced once, as long as no statement of `fn` has run; after that
 * nothing is repeated.
 *
 * @throws what `fn` throws, and HarnessError: `bad-tenant-context`, `bad-tenant-option`, `role-refused`,
 * `transaction-held-open`, `transaction-aborted`, `transaction-ended`, `transaction-over`, `connection-lost`,
 * `commit-uncertain` (docs/with-tenant.md)
 */
export async function withTenant<T>(
  pool: TenantPool,
  context: TenantContext,
  fn: (tenant: TenantQueries) => Promise<T>,
  options: TenantOptions = {},
): Promise<T> {
  const { maxIdleMs = defaultMaxIdleMs, statementTimeoutMs, piiKey, config } = options;
  const limits = {
    idle_in_transaction_session_timeout: milliseconds("maxIdleMs", maxIdleMs),
    ...(statementTimeoutMs === undefined
      ? {}
      : { statement_timeout: milliseconds("statementTimeoutMs", statementTimeoutMs) }),
  };
  const identity = withPiiKey(await identify(context, config), piiKey);
  const transaction = new TenantTransaction(() => openTransaction(pool, identity, limits), maxIdleMs);
  try {
    const answer = await fn({ query: (text, values) => transaction.query(text, values) });
    await transaction.commit();
    return answer;
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}

function milliseconds(name: string, value: number): string {
  // The server keeps it in 31 bits.
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return String(value);
  throw new HarnessError({
    code: "bad-tenant-option",
    message: `${name} is ${JSON.stringify(value)}, not a whole number of milliseconds`,
    hint: "0 means no limit.",
  });
}
