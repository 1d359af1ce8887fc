import type { Client } from "pg";
import { type Session, type Where, withClient } from "./session.ts";

/**
 * A session of a verb of `harness partitions`, whose errors are explained.
 * @param again what lasts and what is safe to repeat, where the connection is lost
 */
export async function withPartitions<T>(
  options: Where,
  mode: "reads" | "writes",
  purpose: string,
  again: string,
  work: (session: Session & { client: Client }) => Promise<T>,
): Promise<T> {
  const { explaining } = await import("../partitions/explain.ts");
  return withClient(options, mode, purpose, (session) => explaining(again, () => work(session)));
}
