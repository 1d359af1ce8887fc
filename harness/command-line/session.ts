import type { Client } from "pg";
import type { Config } from "../config/schema.ts";
import { untilReleased } from "../core/cleanup.ts";
import type { Target } from "../targets/target.ts";
import { safeToRepeat } from "./safe-to-repeat.ts";
import type { Reading, Writing } from "./shared-options.ts";

// Commands import this with their definition: what it needs is loaded when it is needed.

/** Target and configuration of a command, as its options say. */
export type Where = Partial<Reading> & Partial<Pick<Writing, "confirm">>;

export interface Session {
  config: Config;
  target: Target;
}

/** Finds the target, refuses to write to a protected one, and lets go of it afterwards. */
export async function withTarget<T>(
  options: Where,
  mode: "reads" | "writes",
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const [{ loadConfig }, { resolveTarget }, { requireWritable }, { explainOrdinary }] = await Promise.all([
    import("../config/load.ts"),
    import("../targets/resolve.ts"),
    import("../targets/protection.ts"),
    import("../targets/session/explain-loss.ts"),
  ]);
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
  options: Where,
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
  const [{ connect }, { explainOrdinary }, { requireTrusted }] = await Promise.all([
    import("../targets/session/connection.ts"),
    import("../targets/session/explain-loss.ts"),
    import("../sql/require-trusted.ts"),
  ]);
  const client = await connect(url, { purpose });
  const [group = ""] = purpose.split(" ");
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
