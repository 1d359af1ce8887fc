import type { QueryResult, QueryResultRow } from "pg";
import {
  abandon,
  isClean,
  isConnectionLoss,
  type TenantConnection,
  transactionStatus,
} from "./tenant-connection.ts";
import { aborted, ended, explainLoss, over, uncertain } from "./tenant-errors.ts";

/** Statements whose effect outlives a transaction: the connection that ran one does not go back to the pool. */
const sessionCommands = new Set(["SET", "RESET", "LISTEN", "PREPARE", "LOAD", "DISCARD"]);

/** A transaction that begins with its first statement and ends once. Statements asked for at the same time run in turn. */
export class TenantTransaction {
  readonly #open: () => Promise<TenantConnection>;
  readonly #maxIdleMs: number;
  #opening: Promise<TenantConnection> | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #over = false;
  #failure: unknown;
  #lastActive = 0;
  #sessionTouched = false;

  /** @param maxIdleMs what the server has been told, to recognise that it acted on it; 0 for never */
  constructor(open: () => Promise<TenantConnection>, maxIdleMs: number) {
    this.#open = open;
    this.#maxIdleMs = maxIdleMs;
  }

  query<R extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<QueryResult<R>> {
    const result = this.#queue.then(() => this.#run<R>(text, values));
    this.#queue = result.catch((error) => {
      this.#failure ??= error;
    });
    return result;
  }

  /** Waits for the statements asked for so far, and makes them last. */
  async commit(): Promise<void> {
    await this.#queue;
    this.#over = true;
    const connection = await this.#opening?.catch(() => undefined);
    if (!connection) {
      if (this.#failure !== undefined) throw aborted(this.#failure);
      return;
    }
    if (connection.lost || transactionStatus(connection.client) === "I") {
      connection.release(false);
      throw connection.lost ? explainLoss(connection.lost, this.#idleBeyondLimit()) : ended();
    }
    const { command } = await connection.client.query("commit").catch(async (error) => {
      await abandon(connection);
      if (!isConnectionLoss(error)) throw error;
      throw error.code === "25P03" ? explainLoss(error, true) : uncertain(error);
    });
    connection.release(isClean(connection.client) && !this.#sessionTouched);
    // What Postgres answers to COMMIT once a statement has failed.
    if (command === "ROLLBACK") throw aborted(this.#failure);
  }

  /** Nothing happens if it is over already or was never begun. Never throws. */
  async rollback(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#queue;
    const connection = await this.#opening?.catch(() => undefined);
    if (!connection) return;
    if (this.#sessionTouched) connection.release(false);
    else await abandon(connection);
  }

  async #run<R extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<QueryResult<R>> {
    if (this.#over) throw over();
    const { client, lost } = await this.#opened();
    const idleBeyondLimit = this.#idleBeyondLimit();
    if (lost) throw explainLoss(lost, idleBeyondLimit);
    if (transactionStatus(client) === "I") throw ended();
    try {
      const result = await client.query<R>(text, [...values]);
      this.#noteCommands(text, result);
      if (transactionStatus(client) === "I") throw ended();
      return result;
    } catch (error) {
      if ((error as { code?: string }).code === "25P03") throw explainLoss(error, true);
      throw error;
    } finally {
      this.#lastActive = performance.now();
    }
  }

  async #opened(): Promise<TenantConnection> {
    if (this.#opening) return this.#opening;
    this.#opening = this.#open();
    const connection = await this.#opening;
    this.#lastActive = performance.now();
    return connection;
  }

  #idleBeyondLimit(): boolean {
    return this.#maxIdleMs > 0 && performance.now() - this.#lastActive >= this.#maxIdleMs;
  }

  #noteCommands(text: string, result: QueryResult | QueryResult[]): void {
    if (/^\s*set\s+local\b/i.test(text)) return;
    const commands = [result].flat().map(({ command }) => command);
    if (commands.some((command) => sessionCommands.has(command))) this.#sessionTouched = true;
  }
}
