import { randomBytes } from "node:crypto";
import pg from "pg";
import { readSqlFile } from "../sql-file.ts";
import type { Ground } from "./ground.ts";

/**
 * A block of PL/pgSQL that runs as another role: it reads `input` and assigns `output`, both jsonb. It begins under the pinned search path;
 * what it runs of the database it runs under `input ->> 'path'`.
 */
export interface Act {
  role: string;
  /** File of the block, from the package's root. */
  body: string;
  input: object;
  mode: "read only" | "read write";
  /** What it changed is kept, for the caller to commit. */
  keep?: boolean;
}

/**
 * The statements that run blocks as other roles, to be sent in one message in a transaction of ours that is rolled back. Each answers with a row
 * that holds `answer`, what its block assigned, in the same order. None leaves anything: what the code that it ran has changed, made or set goes
 * with a savepoint, before a name is looked up again. `before` is run by the session itself.
 *
 * A block stands in a SECURITY DEFINER function that belongs to its role. The server refuses SET ROLE and SET SESSION AUTHORIZATION inside of
 * one, at any depth, so that code of the database finds no way back to the login that called it.
 */
export function actAs(ground: Ground, acts: readonly Act[], before: readonly string[] = []): string[] {
  if (ground.mode === "none") throw new Error("there is no ground to act on");
  if (ground.mode === "direct")
    return [...before, ...acts.flatMap((act) => directly(act, inputOf(act, ground)))];
  // random, so that two runs at once do not wait for each other
  const schema = `harness_${randomBytes(6).toString("hex")}`;
  const names = new Map<string, string>();
  for (const { role, body } of acts) {
    const key = JSON.stringify([role, body]);
    if (!names.has(key)) names.set(key, `${schema}.act_${names.size}`);
  }
  const nameOf = ({ role, body }: Act) => names.get(JSON.stringify([role, body])) as string;
  // All are made before any is called: a new schema makes the server forget its plans.
  const walls = [...names].flatMap(([key, name]) => wall(name, ...(JSON.parse(key) as [string, string])));
  const entries = [...new Set(acts.map(({ role }) => pg.escapeIdentifier(role)))].join(", ");
  return [
    `create schema ${schema};`,
    // who is to own a function needs CREATE on its schema at that moment
    `grant usage, create on schema ${schema} to ${entries};`,
    ...walls,
    `revoke create on schema ${schema} from ${entries};`,
    ...before,
    ...acts.flatMap((act) => inside(act, `select ${nameOf(act)}(${inputOf(act, ground)}) as answer;`)),
    ...(acts.some(({ keep }) => keep) ? [`drop schema ${schema} cascade;`] : []),
  ];
}

function wall(name: string, role: string, body: string): string[] {
  return [
    `create function ${name}(input jsonb, out output jsonb) language plpgsql security definer`,
    `  set search_path = pg_catalog, pg_temp as ${quoted(`begin\n${blockOf(body)}\nend`)};`,
    `alter function ${name}(jsonb) owner to ${pg.escapeIdentifier(role)};`,
  ];
}

/** For a session that has nothing to lose, or where no function can be made: the block by itself. */
function directly(act: Act, input: string): string[] {
  const start = `declare\n  input constant jsonb := current_setting('harness.input')::jsonb;\n  output jsonb;\nbegin`;
  const end = "  perform pg_catalog.set_config('harness.output', output::pg_catalog.text, true);\nend";
  return [
    `select set_config('harness.input', (${input})::text, true);`,
    ...inside(
      act,
      `do ${quoted(`${start}\n${blockOf(act.body)}\n${end}`)};`,
      "select pg_catalog.current_setting('harness.output')::pg_catalog.jsonb as answer;",
    ),
  ];
}

function inside({ role, mode, keep }: Act, ...statements: string[]): string[] {
  return [
    "savepoint harness_act;",
    // what current_setting('role') says to a policy
    `set local role ${pg.escapeIdentifier(role)};`,
    ...(mode === "read only" ? ["set transaction read only;"] : []),
    ...statements,
    ...(keep ? ["release savepoint harness_act;", "reset role;"] : ["rollback to savepoint harness_act;"]),
  ];
}

const blockOf = (path: string) => readSqlFile(path).text.trimEnd();
const inputOf = ({ input }: Act, { path }: Ground) =>
  `${pg.escapeLiteral(JSON.stringify({ ...input, path }))}::jsonb`;
const quoted = (block: string) => `$harness$\n${block}\n$harness$`;
