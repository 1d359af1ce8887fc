import { createHash } from "node:crypto";
import type { Client } from "pg";
import { actAs } from "../../sql/act-as/act.ts";
import { type Ground, howToGetGround, surveyGround } from "../../sql/act-as/ground.ts";
import { readSqlFile } from "../../sql/sql-file.ts";
import { beginStatement, inTransaction, neutralSettings } from "../../sql/transaction.ts";
import type { Circumstances } from "../survey.ts";
import { kidOf, openValue, type SealedValue, unwrap, type WrappedKey, wrappingId } from "./pii/open-value.ts";

/** What the checks of PII protection judge. No key and no value of a row is in it. */
export interface PiiSurvey {
  /** Whether this login may read what is protected. */
  readable: boolean;
  tables: ProtectedTable[];
  /** Columns of which it is known whether they hold data of guests; null where nobody keeps a register. */
  guestColumns: { relation: string; columnName: string }[] | null;
  samples: Sample[];
  /** Why no row was looked at, if none was. */
  unseen: string | null;
}

interface ProtectedTable {
  relation: string;
  /** The name that it was registered by, and that its values are sealed for. */
  registered: string;
  tenantColumn: string;
  idColumn: string;
  phase: string;
  tuples: number;
  columns: { name: string; plain: string[] }[];
}

interface Sample {
  relation: string;
  rows: number;
  malformed: number;
  lost: number;
  stale: number;
  orphans: number;
  example: string | null;
  /** How many values were opened, and of them those that are not authentic, and those that are not what stands in clear; null without a key. */
  checked?: number;
  damaged?: number;
  differing?: number;
  /** The row of the first of those. */
  unsound?: string | null;
  /** Live data keys, of all tenants, that the configured key does not open. */
  unopened?: number;
}

const background = "app_background";
const keeper = "app_pii";
const manyValues = 1_000;
const limits = { statementTimeoutMs: 60_000, lockTimeoutMs: 500 };

/** Looks at what PII protection has sealed; null where it is not installed. The key is used here and sent nowhere. */
export async function survey(
  client: Client,
  { depth, secrets: { HARNESS_PII_KEY: key } }: Circumstances,
): Promise<PiiSurvey | null> {
  const { installed, readable, tables, guestColumns, seesRows, seesKeys } = await readRegistry(client);
  if (!installed) return null;
  const nothing: PiiSurvey = { readable, tables, guestColumns, samples: [], unseen: null };
  const unseen = (reason: string): PiiSurvey => ({ ...nothing, unseen: reason });
  if (tables.length === 0) return nothing;
  if (depth !== "probe")
    return unseen("the rows of a protected branch are left alone, until it is named with --confirm");
  if (!seesRows)
    return unseen(
      "this login cannot become app_background, the role that sees the rows of every tenant: run harness setup",
    );
  const ground = await surveyGround(client, [background, keeper]);
  if (ground.mode === "none") return unseen(`${ground.reason}; ${howToGetGround}`);
  const open = key && seesKeys ? manyValues : 0;
  const found = await act<(Sample & { sealed: SealedValue[] })[]>(client, ground, background, "sample", {
    job: "verify",
    open,
    tables,
  });
  const samples = found.map(({ sealed: _, ...sample }) => sample);
  if (!key || !open) return { ...nothing, samples };
  const tenants = [...new Set(found.flatMap(({ sealed }) => sealed.map(({ tenant }) => tenant)))];
  const keys = await act<Keys>(client, ground, keeper, "keys", { tenants });
  const opened = openAll(found, keys, Buffer.from(key, "hex"));
  return { ...nothing, samples: samples.map((sample, at) => ({ ...sample, ...opened[at] })) };
}

interface Registry {
  installed: boolean;
  readable: boolean;
  seesRows: boolean;
  seesKeys: boolean;
  tables: ProtectedTable[];
  guestColumns: PiiSurvey["guestColumns"];
}

async function readRegistry(client: Client): Promise<Registry> {
  const opening = { ...limits, first: `${neutralSettings} set local row_security = off;` };
  return inTransaction(
    client,
    "read only",
    async () => {
      const { rows } = await client.query(sql("is-installed"), [background, keeper]);
      const { hasGuestColumns, ...found } = rows[0];
      const may = found.installed && found.readable;
      return {
        ...found,
        tables: may ? (await client.query(sql("registry"))).rows[0].tables : [],
        guestColumns:
          may && hasGuestColumns ? (await client.query(sql("guest-columns"))).rows[0].columns : null,
      };
    },
    opening,
  );
}

interface Keys {
  wrapped: WrappedKey[];
  live: { under: string; nextUnder: string | null; keys: number }[];
}

function openAll(found: { sealed: SealedValue[] }[], { wrapped, live }: Keys, key: Buffer) {
  const own = wrappingId(key);
  const unopened = live
    .filter(({ under, nextUnder }) => under !== own && nextUnder !== own)
    .reduce((sum, { keys }) => sum + keys, 0);
  const dataKeys = new Map(wrapped.map((one) => [`${one.tenant} ${one.kid}`, unwrap(one, key)]));
  return found.map(({ sealed }) => {
    if (unopened > 0) return { unopened };
    const answer = {
      unopened,
      checked: sealed.length,
      damaged: 0,
      differing: 0,
      unsound: null as string | null,
    };
    for (const value of sealed) {
      const dataKey = dataKeys.get(`${value.tenant} ${kidOf(Buffer.from(value.value, "hex"))}`);
      const text = dataKey ? openValue(value, dataKey) : null;
      const differs =
        value.plain !== null &&
        text !== null &&
        createHash("sha256").update(text).digest("hex") !== value.plain;
      if (text === null) answer.damaged++;
      else if (differs) answer.differing++;
      if (text === null || differs) answer.unsound ??= value.id;
    }
    return answer;
  });
}

async function act<T>(client: Client, ground: Ground, role: string, body: string, input: object): Promise<T> {
  const block = { role, body: `harness/verify/surveys/pii/${body}.sql`, input, mode: "read only" as const };
  const statements = [
    beginStatement(ground.mode === "wall" ? "read write" : "read only", limits),
    neutralSettings,
    ...actAs(ground, [block]),
    "rollback;",
  ];
  try {
    const answers = (await client.query(statements.join("\n"))) as unknown as { rows: { answer?: T }[] }[];
    return answers.flatMap(({ rows }) => rows).find((row) => row.answer !== undefined)?.answer as T;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

const sql = (name: string) => readSqlFile(`harness/verify/surveys/pii/${name}.sql`).text;
