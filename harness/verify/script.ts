import pg from "pg";
import * as v from "valibot";
import { configSchema, type Isolation } from "../config/schema.ts";
import { readSqlFile } from "../sql/sql-file.ts";
import { beginStatement, neutralSettings } from "../sql/transaction.ts";
import { type Check, loadFacts } from "./checks.ts";
import { contextsFor } from "./contexts.ts";
import { limits, modelDocument, questionOf, setLocal } from "./question.ts";
import { reads, surveysFor } from "./run-surveys.ts";

/** Where there is no configuration: something to replace. */
const example = {
  tenantColumn: "tenant_id",
  tenantRoles: ["app_user"],
  context: { setting: "app.tenant_id" },
};
const someTenant = "00000000-0000-4000-8000-00000000000a";

/**
 * What verify sends for a check, as a script for psql: the transaction with its settings, the facts that the check reads, the check. What verify
 * reads from the database first, the tenant tables, the script reads itself; what the probe run found is not in it.
 */
export function scriptOf(check: Check, configured: Isolation | null): string {
  const isolation = configured ?? (v.parse(configSchema, { isolation: example }).isolation as Isolation);
  const contexts = contextsFor({
    contexts: [{ context: isolation.context, value: someTenant }],
    memberContexts: [],
  });
  const model = modelDocument({ isolation, undecidable: [] }, { probed: [], depth: "probe", contexts });
  const facts = loadFacts().filter(({ setting }) => reads(check, setting));
  const surveys = surveysFor([check]).map(({ setting }) => setting);
  return [
    ...introduction(check, surveys, configured !== null).map((line) => `-- ${line}`),
    beginStatement("read only", limits).replaceAll("; ", ";\n"),
    neutralSettings,
    setLocal("harness.model", JSON.stringify(model)),
    `select set_config('harness.tables', (${tablesQuery(isolation)})::text, true);`,
    setLocal("harness.observations", JSON.stringify({ tables: [], holes: [] })),
    ...surveys.map((setting) => setLocal(setting, "null")),
    ...facts.map(({ setting, sql }) => `select set_config('${setting}', (${sql}\n)::text, true);`),
    `${questionOf(check)};`,
    "rollback;",
    "",
  ].join("\n");
}

function introduction(
  { code, name, title, observes }: Check,
  surveys: string[],
  configured: boolean,
): string[] {
  return [
    `${code} ${name}: ${title}.`,
    "Runs in psql as it stands, reads only, and is rolled back. The last answer is the check's. Its input is in settings:",
    configured
      ? "  harness.model         roles, schemas and contexts, from harness.config.json"
      : "  harness.model         roles, schemas and contexts: there is no configuration here, so replace app_user, tenant_id and app.tenant_id",
    "  harness.tables        the tenant tables, read from the catalogue",
    "  harness.observations  what the probe run found: empty, since no one statement can find it",
    ...surveys.map(
      (setting) =>
        `  ${setting.padEnd(20)}  what a survey found (harness/verify/surveys/): null, as without it`,
    ),
    ...(observes
      ? ["This check asks what the probes found, so part or all of its answer is missing here."]
      : []),
    ...(surveys.length > 0
      ? ["This check asks what the survey found, so part or all of its answer is missing here."]
      : []),
  ];
}

/** The tables of one kind in one entry, as verify sends them. */
function tablesQuery(isolation: Isolation): string {
  const literal = pg.escapeLiteral(JSON.stringify(isolation));
  const model = readSqlFile("harness/isolation/model.sql").text.replace(
    "$1::jsonb",
    () => `${literal}::jsonb`,
  );
  return `select coalesce(jsonb_agg(k), '[]')
  from (select t."tenantColumn", t.type, t.own, t.other, jsonb_object_agg(t.oid, t.relation) as relations
          from (${model}) as m
         cross join lateral jsonb_to_recordset(m.tables)
                as t (oid text, relation text, "tenantColumn" text, type text, own text, other text)
         group by t."tenantColumn", t.type, t.own, t.other) as k`;
}
