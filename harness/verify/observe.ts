import type { Client } from "pg";
import pg from "pg";
import type { IsolationModel, TenantTable } from "../isolation/model.ts";
import { type Act, actAs } from "../sql/act-as/act.ts";
import type { Ground } from "../sql/act-as/ground.ts";
import { readSqlFile } from "../sql/sql-file.ts";
import { beginStatement, inTransaction, neutralSettings } from "../sql/transaction.ts";
import type { Context } from "./contexts.ts";
import {
  type Acted,
  type Hole,
  type Looked,
  type Observations,
  type Subject,
  toObservations,
} from "./observations.ts";

/** `probe` reads rows and offers one; `explain` asks for plans only, as a protected branch wants it. */
export type Depth = "probe" | "explain";

export interface Assignment {
  model: IsolationModel;
  /** Roles that the session can become. */
  roles: string[];
  contexts: Context[];
  depth: Depth;
  ground: Ground;
}

/** A statement in verify/probes may take this long, and a little more for each table. */
export const tableBudgetMs = 2_000;

const limitsFor = (tables: number) => ({
  statementTimeoutMs: tableBudgetMs + 10 * tables,
  lockTimeoutMs: 500,
});

/**
 * Observes some tables in three messages: what there is to ask, the answers of a first transaction, and those of a second one on the same
 * connection, since what a first one leaves behind may open something to the next.
 */
export async function observe(
  client: Client,
  assignment: Assignment,
  tables: TenantTable[],
): Promise<Observations> {
  const { model, roles, contexts, depth, ground } = assignment;
  const limits = limitsFor(tables.length);
  const subjects = await compose(client, assignment, tables);
  const transaction = async (acts: Act[], before: string[] = []) => {
    const statements = [
      beginStatement(model.inRecovery ? "read only" : "read write", limits),
      neutralSettings,
      "set local jit = off;", // compiling a plan that runs once costs more than it saves
      ...actAs(ground, acts, before),
      "rollback;",
    ];
    const answers = (await client.query(statements.join("\n"))) as unknown as {
      rows: { answer?: unknown }[];
    }[];
    return answers.flatMap(({ rows }) => rows.flatMap((row) => ("answer" in row ? [row.answer] : [])));
  };
  const act = (role: string, body: string, input: object, mode: Act["mode"] = "read only"): Act => ({
    role,
    body: `harness/verify/probes/${body}.sql`,
    input: { depth, ...input },
    mode,
  });
  const { settings } = contexts.at(-1) as Context;
  const byRole = roles.map((role) => ({ role, tables: subjects.filter((subject) => subject.role === role) }));
  // Contexts go round the roles, the unset one before all others: a setting that was once set is never unset again.
  const look = (some: Context[], fields: readonly (keyof Subject)[]) =>
    byRole.map((asked) => act(asked.role, "look", { contexts: some, tables: pick(asked.tables, fields) }));
  const judgeToo = [...toLook, "judge"] as const;
  const first = [...look(contexts.slice(0, 1), judgeToo), ...look(contexts.slice(1), judgeToo)];
  const judging = byRole.map((asked) =>
    act(asked.role, "acts", { settings, tables: pick(asked.tables, toAct) }),
  );
  const answers = await transaction([...first, ...judging], preparations(subjects, ground, depth));
  const looked = mergeLooks(answers.slice(0, first.length) as Looked[], roles);
  const acted = answers.slice(first.length) as Acted[][];

  const again = contexts.filter(({ junk }) => !junk);
  const offers =
    depth === "probe"
      ? byRole.map((asked, at) => ({ ...asked, tables: offered(asked.tables, looked[at]) }))
      : [];
  // a new schema has made the server forget its plans, and it would look names up again as the role
  const anew = preparations(subjects, ground, depth, "deallocate");
  const laterActs = [
    ...look(again, toLook),
    ...offers.map((asked) => act(asked.role, "offer", { settings, tables: asked.tables }, "read write")),
  ];
  const later = await transaction(laterActs, anew);
  await client.query("deallocate all"); // prepared statements outlive their transaction
  return byRole
    .map(({ role, tables: asked }, at) =>
      toObservations(role, asked, {
        probing: depth === "probe",
        looked: looked[at] as Looked,
        again: later[at] as Looked,
        acted: [...(acted[at] ?? []), ...((later[byRole.length + at] ?? []) as Acted[])],
      }),
    )
    .reduce(joined, { tables: [], holes: [] });
}

async function compose(client: Client, { roles }: Assignment, tables: TenantTable[]): Promise<Subject[]> {
  const { text } = readSqlFile("harness/verify/probes/compose.sql");
  const input = JSON.stringify({ roles, tables });
  const opening = { ...limitsFor(tables.length), first: `${neutralSettings} set local jit = off;` };
  const { rows } = await inTransaction(
    client,
    "read only",
    () => client.query<Subject>(text, [input]),
    opening,
  );
  return rows;
}

const toLook = [
  "place",
  "relation",
  "locked",
  "readable",
  "judged",
  "statement",
  "leader",
  "positions",
] as const;
const toAct = ["place", "leader", "locked", "names", "alone", "take", "wipe"] as const;

function pick(subjects: Subject[], fields: readonly (keyof Subject | "judged")[]): object[] {
  return subjects.map((subject) => {
    const known: Record<string, unknown> = {
      ...subject,
      judged: subject.judge !== null,
      alone: subject.beyond && subject.alone ? execution(subject, "_alone") : subject.alone,
    };
    return Object.fromEntries(fields.map((field) => [field, known[field]]));
  });
}

/**
 * A policy may call what its role could not name. The session itself prepares such statements, which looks names up and evaluates nothing; what
 * is then executed is executed as the role. (If it reads a table with row security, the server looks names up again, and refuses.)
 */
function preparations(subjects: Subject[], { path }: Ground, depth: Depth, first?: "deallocate"): string[] {
  const prepare = ({ statement }: Subject, suffix: string, query: string | null) => {
    const name = pg.escapeIdentifier(statement + suffix);
    return query ? [...(first ? [`${first} ${name};`] : []), `prepare ${name} as ${query};`] : [];
  };
  const statements = subjects
    .filter(({ beyond, locked, leader, place }) => depth === "probe" && beyond && !locked && leader === place)
    .flatMap((subject) => [
      ...prepare(subject, "_judge", subject.judge),
      ...prepare(subject, "_alone", subject.alone),
    ]);
  if (statements.length === 0) return [];
  return [
    `select set_config('search_path', ${pg.escapeLiteral(path)}, true);`,
    ...statements,
    "set local search_path = pg_catalog, pg_temp;",
  ];
}

const execution = ({ statement }: Subject, suffix: string) =>
  `execute ${pg.escapeIdentifier(statement + suffix)}`;

/** The answers of several looks of each role, together. */
function mergeLooks(looks: Looked[], roles: string[]): Looked[] {
  return roles.map((_, at) => {
    const own = looks.filter((_, index) => index % roles.length === at);
    return { opened: own.flatMap(({ opened }) => opened), holes: own.flatMap(({ holes }) => holes) };
  });
}

/**
 * A row is offered where the policies were evaluated, without writing anything, and refuse it: where they let it in there is nothing to learn, and
 * it would leave a dead row.
 */
function offered(subjects: Subject[], looked: Looked | undefined): object[] {
  const settled = new Set(
    looked?.holes
      .filter((hole: Hole) => hole.sqlstate || hole.open.includes("insert"))
      .map(({ place }) => place),
  );
  return subjects
    .filter(({ put, locked, place, leader }) => put && !locked && !settled.has(place) && !settled.has(leader))
    .map(({ place, put }) => ({ place, put }));
}

const joined = (a: Observations, b: Observations): Observations => ({
  tables: [...a.tables, ...b.tables],
  holes: [...a.holes, ...b.holes],
});
