import type { Client } from "pg";
import { meaning } from "./transaction.ts";

/** What looks names up, as opposed to what orders the session about; CREATE INDEX CONCURRENTLY and its like take no transaction. */
const looksUp = /^\s*(?:--[^\n]*\n\s*)*(?:select|with|values|table|insert|update|delete|merge|explain)\b/i;

/**
 * Gives statements that are sent outside of a transaction one that opens like all others: nothing of the database stands in for the server's. The
 * session itself is left as it is, since behind a pooler it is somebody else's next.
 */
export function pinned(client: Client): Client {
  const send = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  let last: Promise<unknown> = Promise.resolve();
  const query = (...args: unknown[]): Promise<unknown> => {
    const [statement] = args as [string | { text?: string }];
    const text = typeof statement === "string" ? statement : (statement?.text ?? "");
    const single = async () => {
      if (client.getTransactionStatus() !== "I" || !looksUp.test(text)) return send(...args);
      await send(`begin isolation level read committed; ${meaning}`);
      try {
        const answer = await send(...args);
        await send("commit");
        return answer;
      } catch (error) {
        await send("rollback").catch(() => undefined);
        throw error;
      }
    };
    // one after the other: a statement that comes meanwhile is not part of this one's transaction
    const answer = last.then(single);
    last = answer.catch(() => undefined);
    return answer;
  };
  client.query = query as unknown as Client["query"];
  return client;
}
