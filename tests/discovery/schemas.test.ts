import { readFileSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { configSchema } from "../../harness/config/schema.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { discoverIsolation } from "../../harness/isolation/discovery/discover.ts";
import type { Confidence } from "../../harness/isolation/discovery/discovery.ts";
import { loadModel } from "../../harness/isolation/model.ts";
import { loadChecks } from "../../harness/verify/checks.ts";
import { verify } from "../../harness/verify/engine.ts";
import { testDatabase } from "../support/database.ts";
import { type Findings, findingsOf } from "../support/verify.ts";

// Databases as strangers write them. For each: the model is the right one, a correct database raises no alarm, and each hole is found.
// The roles of the schemas belong to the server and have names of their own.

interface Expected {
  isolation: object;
  confidence: Confidence;
  /** The same tables without what isolates them; each with a finding that has to appear. */
  holes: [what: string, sql: string, finding: string][];
  /** Findings that are none of the discovery's doing: nothing isolates this database. */
  failing?: RegExp;
  undecided?: string[];
  withoutTenantColumn?: string[];
}

const sub = { claim: "sub" };
const members = { table: "public.members", member: "user_id", tenant: "org_id" };
const byMember = { ...sub, membership: members };

const expectations: Record<string, Expected> = {
  "setting-uuid": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "tenant_id",
      tenantRoles: ["disc_uuid_app"],
      context: { setting: "app.current_tenant" },
      tables: { "public.tenants": { tenantColumn: "id" } },
    },
    confidence: "high",
    withoutTenantColumn: ["public.plans"],
    holes: [
      ["RLS off", "alter table invoices disable row level security", "H101 public.invoices"],
      [
        "fail-open",
        "alter policy tenant_rows on customers using (tenant_id = coalesce(nullif(current_setting('app.current_tenant', true), '')::uuid, tenant_id))",
        "4c public.customers",
      ],
    ],
  },
  "text-helper": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "store",
      tenantRoles: ["disc_text_web"],
      context: { setting: "myapp.tenant_slug" },
      tables: { "public.stores": { tenantColumn: "slug" } },
    },
    confidence: "high",
    holes: [
      ["using (true)", "alter policy own on stock using (true)", "H201 public.stock"],
      [
        "a helper with a default",
        "create or replace function app.tenant() returns text language sql stable as $$ select coalesce(app.setting('myapp.tenant_slug'), 'acme') $$",
        "4c public.products",
      ],
    ],
  },
  "integer-key": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "account_id",
      tenantRoles: ["disc_int_app"],
      context: { setting: "rls.account_id" },
      tables: { "public.accounts": { tenantColumn: "id" } },
    },
    confidence: "high",
    holes: [
      ["WITH CHECK (true)", "alter policy by_account on projects with check (true)", "H202 public.projects"],
      ["RLS off", "alter table limits disable row level security", "H101 public.limits"],
      ["the role is lifted above its policies", "alter role disc_int_app bypassrls", "4a disc_int_app"],
    ],
  },
  "supabase-owner": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "owner_id",
      tenantRoles: ["authenticated", "anon"],
      context: { claim: "sub", claims: { role: "authenticated" } },
      tables: { "public.profiles": { tenantColumn: "id" } },
    },
    confidence: "high",
    withoutTenantColumn: ["public.tags"],
    holes: [
      [
        "whoever has signed in",
        "create policy wide on todos for select to authenticated using (auth.role() = 'authenticated')",
        "H201 public.todos",
      ],
      ["RLS off", "alter table attachments disable row level security", "H101 public.attachments"],
    ],
  },
  "membership-subquery": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "org_id",
      tenantRoles: ["authenticated"],
      context: byMember,
      tables: {
        "public.members": { tenantColumn: "user_id", context: sub },
        "public.organizations": { tenantColumn: "id" },
      },
    },
    confidence: "high",
    holes: [
      [
        "a member of anything",
        "alter policy members_all on documents using (exists (select 1 from members m where m.user_id = (select auth.uid())))",
        "H201 public.documents",
      ],
      ["RLS off", "alter table projects disable row level security", "H101 public.projects"],
    ],
  },
  "membership-definer": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "org_id",
      tenantRoles: ["authenticated"],
      context: byMember,
      tables: { "public.organizations": { tenantColumn: "id" } },
    },
    confidence: "high",
    holes: [
      ["using (true)", "alter policy mine on members using (true)", "H201 public.members"],
      [
        "a helper that forgets the organization",
        "create or replace function private.is_member(org uuid) returns boolean language sql stable security definer set search_path = '' as $$ select exists (select from public.members m where m.user_id = (select auth.uid())) $$",
        "H201 public.projects",
      ],
    ],
  },
  "jwt-claim": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "company_id",
      tenantRoles: ["authenticated"],
      context: { claim: "company_id", claimWithin: ["app_metadata"] },
      tables: { "public.companies": { tenantColumn: "id" } },
    },
    confidence: "high",
    holes: [
      [
        "IS NOT DISTINCT FROM nothing",
        "alter policy own on vehicles using (company_id = coalesce(((select auth.jwt()) -> 'app_metadata' ->> 'company_id')::uuid, company_id))",
        "4c public.vehicles",
      ],
      ["RLS off", "alter table trips disable row level security", "H101 public.trips"],
    ],
  },
  "neon-session": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "organization",
      tenantRoles: ["disc_neon_app"],
      context: { claim: "org_id" },
      tables: { "public.notes": { tenantColumn: "author", context: sub } },
    },
    confidence: "high",
    holes: [
      ["using (true)", "alter policy org on boards using (true)", "H201 public.boards"],
      ["WITH CHECK (true)", "alter policy org on cards with check (true)", "H202 public.cards"],
    ],
  },
  "two-columns": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "org_id",
      tenantRoles: ["disc_two_app"],
      context: { setting: "app.org_id" },
      tables: {
        "public.comments": { tenantColumn: "workspace_id", context: { setting: "app.workspace_id" } },
        "public.organizations": { tenantColumn: "id" },
        "public.pages": { tenantColumn: "workspace_id", context: { setting: "app.workspace_id" } },
      },
    },
    confidence: "high",
    holes: [
      ["RLS off on the second column's", "alter table pages disable row level security", "H201 public.pages"],
      [
        "fail-open on the second column",
        "alter policy scope on comments using (workspace_id = coalesce(current_workspace(), workspace_id))",
        "4c public.comments",
      ],
    ],
  },
  "other-schemas": {
    isolation: {
      schemas: ["billing", "crm"],
      tenantColumn: "tenant",
      tenantRoles: ["disc_ns_app"],
      context: { setting: "svc.tenant" },
      tables: {},
    },
    confidence: "high",
    holes: [
      ["RLS off", "alter table billing.invoices disable row level security", "H101 billing.invoices"],
      ["the owner's way round", "alter table crm.deals disable row level security", "H201 crm.deals"],
    ],
  },
  "mixed-case": {
    isolation: {
      schemas: ["Shop Data"],
      tenantColumn: "organizationId",
      tenantRoles: ["disc_mixed_app"],
      context: { setting: "app.organizationid" },
      tables: { "Shop Data.Organization": { tenantColumn: "id" } },
    },
    confidence: "high",
    holes: [
      [
        "RLS off",
        'alter table "Shop Data"."we""ird; --" disable row level security',
        'H101 "Shop Data"."we""ird; --"',
      ],
      [
        "an empty string is somebody",
        `alter policy "Tenant Isolation" on "Shop Data"."Order" using ("organizationId" = "Shop Data"."currentOrganization"() or "Shop Data"."currentOrganization"() = '')`,
        '4c "Shop Data"."Order"',
      ],
    ],
  },
  "no-policies": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "tenant_id",
      tenantRoles: ["disc_bare_app"],
      context: { setting: "app.tenant_id" },
      tables: { "public.tenants": { tenantColumn: "id" } },
    },
    confidence: "low",
    withoutTenantColumn: ["public.countries"],
    failing: / public\.(tenants|users|orders|countries)/,
    holes: [["nothing isolates it", "select 1", "H101 public.orders"]],
  },
  "raising-setting": {
    isolation: {
      schemas: ["shop"],
      tenantColumn: "tenant_id",
      tenantRoles: ["disc_shop_app"],
      context: { setting: "app.current_tenant" },
      tables: { "shop.tenants": { tenantColumn: "id" } },
    },
    confidence: "medium",
    withoutTenantColumn: ["shop.currencies"],
    holes: [
      [
        "an OR that is always true",
        "alter policy t on shop.orders using (tenant_id = current_setting('app.current_tenant')::int or total is not null or total is null)",
        "H201 shop.orders",
      ],
      [
        "a table nobody protected, and no foreign key says whose",
        "create table shop.refunds (id int primary key, order_id bigint, amount numeric); grant select on shop.refunds to disc_shop_app",
        "H101 shop.refunds",
      ],
    ],
  },
  "rls-without-policies": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "team_id",
      tenantRoles: ["disc_closed_app"],
      context: { setting: "app.team_id" },
      tables: { "public.teams": { tenantColumn: "id" } },
    },
    confidence: "low",
    undecided: ["H001 context"],
    holes: [["using (true)", "create policy all_of_it on tasks using (true)", "H201 public.tasks"]],
  },
  "public-login": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "practice_id",
      tenantRoles: ["disc_public_rw"],
      context: { setting: "app.practice" },
      tables: { "public.practices": { tenantColumn: "id" } },
    },
    confidence: "medium",
    holes: [
      ["RLS off", "alter table visits disable row level security", "H101 public.visits"],
      [
        "a second policy",
        "create policy more on patients for select using (name <> '')",
        "H201 public.patients",
      ],
    ],
  },
  "json-setting": {
    isolation: {
      schemas: ["public"],
      tenantColumn: "tenantId",
      tenantRoles: ["disc_hasura_user"],
      context: { claim: "x-hasura-tenant-id", claimsSetting: "hasura.user" },
      tables: {
        "public.questions": {
          tenantColumn: "survey_id",
          context: {
            claim: "x-hasura-tenant-id",
            claimsSetting: "hasura.user",
            membership: { table: "public.surveys", member: "tenantId", tenant: "id" },
          },
        },
      },
    },
    confidence: "high",
    holes: [
      [
        "any survey will do",
        'alter policy t on questions using (exists (select from surveys s where s."tenantId" = (select session_tenant())))',
        "H201 public.questions",
      ],
      ["RLS off on the detail", "alter table questions disable row level security", "H101 public.questions"],
    ],
  },
};

const folder = join(packageRoot, "tests/discovery/schemas");
const checks = loadChecks();

test("every schema is expected to be something", () => {
  const files = globSync("*.sql", { cwd: folder }).map((file) => file.replace(/\.sql$/, ""));
  expect(files.sort()).toEqual(Object.keys(expectations).sort());
});

describe.each(Object.entries(expectations))("%s", async (name, expected) => {
  const { client } = await testDatabase("empty");
  await client.query(readFileSync(join(folder, `${name}.sql`), "utf8"));
  const examine = async () => {
    const { isolation } = await discoverIsolation(client);
    const model = await loadModel(client, isolation);
    return findingsOf((await verify(client, model, { checks })).results);
  };
  /** Of the database as it is now. */
  let findings: Findings | undefined;

  test("the model is inferred", async () => {
    const discovery = await discoverIsolation(client);
    expect(discovery.isolation).toEqual({ exempt: {}, ...expected.isolation });
    expect(discovery.confidence).toBe(expected.confidence);
    expect(discovery.withoutTenantColumn).toEqual(expected.withoutTenantColumn ?? []);
    // what init writes is read as the same
    expect(v.parse(configSchema, { isolation: discovery.isolation }).isolation).toEqual(discovery.isolation);
  });

  test("no false alarm", async () => {
    findings = await examine();
    const { results, undecided } = findings;
    const alarms = results
      .filter(({ outcome, severity }) => outcome === "fail" && severity !== "low")
      .map(({ code, object, detail }) => `${code} ${object}: ${detail}`);
    expect(alarms.filter((alarm) => !expected.failing?.test(alarm))).toEqual([]);
    expect(undecided).toEqual(expected.undecided ?? []);
  });

  // One after the other: a hole that is already there hides no other one, since each is another table or another finding.
  test.each(expected.holes)("%s is found", async (_, sql, finding) => {
    findings ??= await examine();
    if (!expected.failing) expect(findings.failed).not.toContain(finding);
    await client.query(sql);
    findings = await examine();
    expect(findings.failed).toContain(finding);
  });
});
