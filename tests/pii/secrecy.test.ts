import { readFileSync } from "node:fs";
import { globSync } from "tinyglobby";
import { afterAll, expect, test } from "vitest";
import { migratedTemplate } from "../../harness/command-line/template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { addRestaurant, as, newKey } from "./support/pii.ts";

// A server of its own, since what it writes into its log is looked at.
const branch = await createThrowawayBranch({ flavor: "neon" });
const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
const template = await migratedTemplate(admin, branch.ownerUrl, packageRoot);
await admin.end();
const superuser = await connect(urlOf(branch.superuserUrl, template), { purpose: "test" });
afterAll(async () => {
  await superuser.end();
  await branch.stop();
});

const tenant = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const key = newKey();
const wrongKey = newKey();
const secret = "geheim";

test("neither keys nor values come into the log, plans or messages, whatever fails", async () => {
  const { rows } = await superuser.query("select setting from pg_settings where name = 'data_directory'");
  const owner = new URL(branch.ownerUrl).username;
  // log_parameter_max_length is what docs/pii.md asks for where statements are logged; on an error parameters never are by default
  for (const [name, value] of [
    ["log_statement", "all"],
    ["log_parameter_max_length", "0"],
    ["log_min_messages", "debug1"],
    ["log_min_error_statement", "debug1"],
    ["log_error_verbosity", "verbose"],
    ["client_min_messages", "debug1"],
  ])
    await superuser.query(`alter role ${owner} set ${name} = '${value}'`);
  const client = await connect(urlOf(branch.ownerUrl, template), { purpose: "test" });
  const heard: string[] = [];
  client.on("notice", (notice) => heard.push(JSON.stringify({ ...notice, message: notice.message })));
  await addRestaurant(client, tenant);
  const insert = (email: string, theKey?: string, name: string | null = "Guest") =>
    as(client, { role: "authenticated", tenant, ...(theKey ? { key: theKey } : {}) }, () =>
      client.query("insert into public.customers (restaurant_id, full_name, email) values ($1, $2, $3)", [
        tenant,
        name,
        email,
      ]),
    );
  await insert(`${secret}@guests.example`, key);
  const failures = [
    () => insert(`${secret}2@guests.example`),
    () => insert(`${secret}2@guests.example`, wrongKey),
    () => insert(`${secret}2@guests.example`, key.slice(1)),
    () => insert(`${secret} @guests.example`, key),
    () => insert(`${secret}@guests.example`, key),
    () => insert(`${secret}3@guests.example`, key, null),
    () =>
      as(client, { role: "pii_reader", tenant, key: wrongKey }, () =>
        client.query("select email from public.customers_private_view"),
      ),
    () =>
      as(client, { role: "authenticated", tenant, key: wrongKey }, () =>
        client.query("select from public.find_customers_by_email($1)", [`${secret}@guests.example`]),
      ),
  ];
  const codes: string[] = [];
  for (const failure of failures)
    await failure().then(
      () => codes.push("no failure"),
      (error) => {
        codes.push(error.code);
        heard.push(JSON.stringify({ ...error, message: error.message, stack: undefined }));
      },
    );
  expect(codes).toEqual(["PI001", "PI003", "PI002", "PI010", "23505", "23502", "PI003", "PI003"]);
  const plan = await as(client, { role: "authenticated", tenant, key }, () =>
    client.query("explain (analyze, verbose) select from public.find_customers_by_email($1)", [
      `${secret}@guests.example`,
    ]),
  );
  await client.end();
  const log = globSync(["**/*.log", "../*.log", "../../*.log"], {
    cwd: rows[0].setting,
    absolute: true,
    expandDirectories: false,
  })
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
  // it is the log of these statements
  expect(log).toContain("insert into public.customers");
  expect(log).toContain("PI003");
  const { rows: plans } = plan;
  for (const text of [log, heard.join("\n")]) {
    expect(text).not.toContain(key);
    expect(text).not.toContain(wrongKey);
    expect(text).not.toContain(key.slice(1, 20));
    expect(text).not.toContain(secret);
  }
  expect(JSON.stringify(plans)).not.toContain(key.slice(0, 16));
});
