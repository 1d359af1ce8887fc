import type { Client } from "pg";
import type { Config } from "../config/schema.ts";
import type { Target } from "../targets/target.ts";
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
  const { loadConfig } = await import("../config/load.ts");
  const { resolveTarget } = await import("../targets/resolve.ts");
  const { requireWritable } = await import("../targets/protection.ts");
  const { explainOrdinary } = await import("../targets/session/explain-loss.ts");
  const { safeToRepeat } = await import("../targets/session/safe-to-repeat.ts");
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
  const { onConnection } = await import("../targets/session/on-connection.ts");
  return withTarget(options, mode, (session) =>
    onConnection(session.target.url, purpose, (client) => work({ ...session, client })),
  );
}
