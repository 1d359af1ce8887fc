import { randomBytes } from "node:crypto";
import pg, { type Client, type Pool, type PoolConfig } from "pg";
import { onExit } from "../core/cleanup.ts";
import { HarnessError } from "../core/errors.ts";
import { createDatabase, dropDatabase } from "../sql/databases.ts";
import { connect } from "../targets/session/connection.ts";
import type { ScratchDatabase } from "./scenario.ts";

const prefix = "harness_bench_";

export interface Server {
  /** Of the branch. */
  url: string;
  /** Connected to the branch's own database, of which nothing is read but what the server says about itself. */
  admin: Client;
  /** Brings an empty database to the state of a branch of the reference platform. */
  build(client: Client, url: string): Promise<void>;
}

export interface Scratch extends ScratchDatabase {
  /** Closes its connections and drops it. */
  drop(): Promise<void>;
}

/**
 * A database of our own beside the branch's, built, or a copy of one that is: its own session may copy it, and no other may be in it.
 * It is dropped also if the command is interrupted.
 */
export async function createScratch({ url, admin, build }: Server, origin?: Client): Promise<Scratch> {
  const name = prefix + randomBytes(6).toString("hex");
  const clients: Client[] = [];
  const pools: Pool[] = [];
  const open = async () => {
    const client = await connect(url, { purpose: "bench", database: name });
    clients.push(client);
    return client;
  };
  let dropping: Promise<void> | undefined;
  const release = onExit(() => {
    dropping = (async () => {
      for (const ended of [...pools, ...clients]) await ended.end().catch(() => undefined);
      await dropDatabase(admin, name);
    })();
    return dropping;
  });
  const drop = async () => {
    // Interrupted: the process is about to end, and what fails now fails for that reason alone.
    if (dropping) await new Promise(() => undefined);
    await release();
  };
  try {
    await create(origin ?? admin, name, origin?.database);
    // Open until the drop: it is by having no connection that a leftover is known.
    const client = await open();
    if (!origin) await build(client, inDatabase(url, name));
    const pool = (max: number) => {
      const made = new pg.Pool({ ...wayIn(client), max });
      made.on("error", () => undefined);
      made.on("connect", (one) => one.on("error", () => undefined));
      pools.push(made);
      return made;
    };
    return { client, connect: open, pool, drop };
  } catch (error) {
    await drop().catch(() => undefined);
    throw error;
  }
}

/** Drops what earlier runs that were killed have left: databases of our name that nobody is connected to. */
export async function dropLeftovers(admin: Client): Promise<string[]> {
  const { rows } = await admin.query<{ datname: string }>(
    `select d.datname
       from pg_catalog.pg_database d
      where d.datname ~ $1
        and pg_has_role(d.datdba, 'USAGE')
        and not exists (select from pg_catalog.pg_stat_activity a where a.datid = d.oid)`,
    [`^${prefix}[0-9a-f]{12}$`],
  );
  const dropped: string[] = [];
  for (const { datname } of rows) {
    // Not by force: if it is another run's after all, that one is connected by now.
    await admin.query(`drop database ${datname}`).then(
      () => dropped.push(datname),
      () => undefined,
    );
  }
  return dropped;
}

async function create(admin: Client, name: string, template?: string): Promise<void> {
  try {
    await createDatabase(admin, name, template);
  } catch (error) {
    if (!(error instanceof HarnessError) || error.code !== "may-not-create-database") throw error;
    throw new HarnessError({
      code: error.code,
      message: error.message,
      hint: `A benchmark runs in a database of its own: let a superuser run ALTER ROLE "${admin.user}" CREATEDB, or use a local branch.`,
      cause: error,
    });
  }
}

/** How an open connection was made, TLS or none included. */
function wayIn({ host, port, user, password, database, ssl }: Client): PoolConfig {
  return {
    host,
    port,
    ssl,
    ...(user ? { user } : {}),
    ...(password ? { password } : {}),
    ...(database ? { database } : {}),
  };
}

function inDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  other.searchParams.delete("dbname");
  return other.href;
}
