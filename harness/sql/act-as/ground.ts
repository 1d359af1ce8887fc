import type { ClientBase } from "pg";
import { compose } from "../compose.ts";
import { readSqlFile } from "../sql-file.ts";
import { inTransaction } from "../transaction.ts";

/** What a session may do as another role (ground.sql). */
export interface Ground {
  mode: "wall" | "direct" | "none";
  /** Why there is no way, where there is none. */
  reason: string | null;
  /** A trigger that COMMIT would fire outside of the wall, as the login itself: its function belongs to somebody else. */
  deferred: string | null;
  /** The search path that applications get, without pg_catalog: it comes first by itself. */
  path: string;
}

/** Asks once for a session; `roles` are those that it is to act as. */
export async function surveyGround(client: ClientBase, roles: readonly string[]): Promise<Ground> {
  const text = compose(readSqlFile("harness/sql/act-as/ground.sql")).text;
  const { rows } = await inTransaction(client, "read only", () => client.query<Ground>(text, [roles]));
  const [ground] = rows;
  if (!ground) throw new Error("the session has no role");
  return ground;
}

/** What to do where nothing of the database may be evaluated. */
export const howToGetGround =
  "use a login that is only a member of the tenant roles: harness setup --verifier prints it";
