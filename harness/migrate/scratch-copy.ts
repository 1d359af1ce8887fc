import type { Client } from "pg";
import { createDatabase, dropDatabase } from "../sql/databases.ts";

/**
 * A copy of a template under a name that stays, so that psql can look into it, and anew whenever it is asked for. Copying a database is
 * what takes longest, and dropping one waits for a checkpoint: both are done ahead, by `prepare`.
 */
export class ScratchCopy {
  static readonly database = "harness_dev";
  static readonly #spare = "harness_dev_next";
  static readonly #old = "harness_dev_old";
  readonly #admin: Client;
  /** The template that the spare one is a copy of. */
  #prepared: string | undefined;

  constructor(admin: Client) {
    this.#admin = admin;
  }

  /** Makes the copy for the next time. */
  async prepare(template: string): Promise<void> {
    await dropDatabase(this.#admin, ScratchCopy.#old);
    await dropDatabase(this.#admin, ScratchCopy.#spare);
    await createDatabase(this.#admin, ScratchCopy.#spare, template);
    this.#prepared = template;
  }

  /** Puts a fresh copy of the template in place of the one that is there, and ends the sessions on that. */
  async renew(template: string): Promise<void> {
    if (this.#prepared === template) {
      await this.#endSessions();
      await this.#admin.query(`alter database ${ScratchCopy.database} rename to ${ScratchCopy.#old}`);
      await this.#admin.query(`alter database ${ScratchCopy.#spare} rename to ${ScratchCopy.database}`);
    } else {
      await dropDatabase(this.#admin, ScratchCopy.database);
      await createDatabase(this.#admin, ScratchCopy.database, template);
    }
    this.#prepared = undefined;
  }

  async drop(): Promise<void> {
    for (const name of [ScratchCopy.database, ScratchCopy.#spare, ScratchCopy.#old])
      await dropDatabase(this.#admin, name);
  }

  async #endSessions(): Promise<void> {
    await this.#admin.query(
      `select pg_catalog.pg_terminate_backend(pid, 10000) from pg_catalog.pg_stat_activity
        where datname = $1 and pid <> pg_catalog.pg_backend_pid()`,
      [ScratchCopy.database],
    );
  }
}
