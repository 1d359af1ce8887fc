import type { Client } from "pg";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { untilReleased } from "../core/cleanup.ts";
import { pinned } from "../sql/pinned.ts";
import { requireTrusted } from "../sql/require-trusted.ts";
import { requireWritable } from "../targets/protection.ts";
import { resolveTarget } from "../targets/resolve.ts";
import { connect } from "../targets/session/connection.ts";
import { explainOrdinary } from "../targets/session/explain-loss.ts";
import type { Target } from "../targets/target.ts";
import type { DatabaseOptions } from "./options.ts";
import { safeToRepeat } from "./safe-to-repeat.ts";

export interface Session {
  config: Config;
  target: Target;
}

/** Finds the target, refuses to write to a protected one, and lets go of it afterwards. */
export async function withTarget<T>(
  options: DatabaseOptions,
  mode: "reads" | "writes",
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const config = loadConfig(options.config);
  const target = await resolveTarget(options, config);
  try {
    if (mode === "writes") requireWritable(target, config, options.confirm);
    return await work({ config, target });
  } catch (error) {
    throw explainOrdinary(error, safeToRepeat(mode));
  } finally {
    await target.release();
  }
}

/** The same with a connection to it. */
export async function withClient<T>(
  options: DatabaseOptions,
  mode: "reads" | "writes",
  purpose: string,
  work: (session: Session & { client: Client }) => Promise<T>,
): Promise<T> {
  return withTarget(options, mode, (session) =>
    onConnection(session.target.url, purpose, (client) => work({ ...session, client })),
  );
}

/** Groups of commands that call functions of a schema of the same name. */
const packs = new Set(["pii", "outbox", "partitions"]);

/** Opens a connection and closes it afterwards. */
export async function onConnection<T>(
  url: string,
  purpose: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const [group = ""] = purpose.split(" ");
  const opened = await connect(url, { purpose });
  // files of tests and scenarios of benchmarks name things as applications do
  const client = group === "test" || group === "bench" ? opened : pinned(opened);
  try {
    if (packs.has(group)) await requireTrusted(client, group);
    return await work(client);
  } catch (error) {
    throw explainOrdinary(error, safeToRepeat(purpose));
  } finally {
    await untilReleased(); // what is let go of on Ctrl-C may need this very connection
    await client.end().catch(() => undefined);
  }
}
