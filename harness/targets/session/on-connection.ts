import type { Client } from "pg";
import { untilReleased } from "../../core/cleanup.ts";
import { pinned } from "../../sql/pinned.ts";
import { requireTrusted } from "../../sql/require-trusted.ts";
import { connect } from "./connection.ts";
import { explainOrdinary } from "./explain-loss.ts";
import { safeToRepeat } from "./safe-to-repeat.ts";

/** Purposes that begin so call functions of a schema of the same name. */
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
