import { randomBytes } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migratedTemplate } from "../../harness/command-line/template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { withTenant } from "../../harness/index.ts";
import { createDatabase } from "../../harness/sql/databases.ts";
import { ownerUrl, superuserUrl } from "../../harness/targets/local/branch-url.ts";
import { createBranch, deleteBranch } from "../../harness/targets/local/cluster.ts";
import { acquireLease } from "../../harness/targets/local/lease.ts";
import { stateFolder } from "../../harness/targets/local/state.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { harness } from "../support/cli.ts";
import { addRestaurant, newKey } from "./support/pii.ts";

// A server of its own that writes down everything that it can: each statement, each error with its statement, the statistics of
// statements. Of bind parameters only what docs/with-tenant.md asks for is set, and for errors the opposite of it.
const state = stateFolder();
const branchName = `.throwaway-${randomBytes(6).toString("hex")}`;
const { branch } = await createBranch(state, branchName, { flavor: "neon", durable: false });
appendFileSync(join(branch.data, "postgresql.conf"), "\nshared_preload_libraries = 'pg_stat_statements'\n");
const lease = await acquireLease(branch);
const { port } = lease.server;
const superuser = await connect(superuserUrl(branch, port), { purpose: "test" });
const admin = await connect(ownerUrl(branch, port), { purpose: "test", database: "postgres" });
const template = await migratedTemplate(admin, ownerUrl(branch, port), packageRoot);
const names = { quiet: "keys_quiet", loud: "keys_loud" };
const url = urlOf(ownerUrl(branch, port), names.quiet);
const loudUrl = urlOf(ownerUrl(branch, port), names.loud);
const pools: pg.Pool[] = [];

beforeAll(async () => {
  const settings = {
    log_statement: "all",
    log_min_duration_statement: "0",
    log_min_messages: "debug1",
    log_min_error_statement: "debug1",
    log_error_verbosity: "verbose",
    log_parameter_max_length_on_error: "-1",
  };
  for (const [kind, name] of Object.entries(names)) {
    await createDatabase(admin, name, template);
    const all = { ...settings, log_parameter_max_length: kind === "quiet" ? "0" : "-1" };
    for (const [setting, value] of Object.entries(all))
      await superuser.query(`alter database ${name} set ${setting} = '${value}'`);
    const owner = await connect(urlOf(ownerUrl(branch, port), name), { purpose: "test" });
    await addRestaurant(owner, tenant);
    await owner.end();
  }
  await superuser.query("create extension if not exists pg_stat_statements");
});
afterAll(async () => {
  for (const pool of pools) await pool.end();
  await admin.end();
  await superuser.end();
  await lease.release(async () => undefined);
  await deleteBranch(state, branchName);
});

const tenant = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const key = newKey();
const wrongKey = newKey();
const nextKey = newKey();
const secrets = { key, wrongKey, nextKey, upperKey: key.toUpperCase(), email: "geheim", phone: "5550177" };
const log = () => readFileSync(join(branch.folder, "server.log"), "utf8");

function poolOf(to: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: to, max: 1 });
  pool.on("error", () => undefined);
  pools.push(pool);
  return pool;
}

/** Which of the secrets stand in a text. */
const seenIn = (text: string) =>
  Object.entries(secrets)
    .filter(([, secret]) => text.includes(secret))
    .map(([name]) => name);

type Options = Parameters<typeof withTenant>[3];
const insert = (pool: pg.Pool, values: unknown[], options: Options, role = "authenticated") =>
  withTenant(
    pool,
    { settings: { "app.restaurant_id": tenant }, role },
    (queries) =>
      queries.query(
        "insert into public.customers (restaurant_id, full_name, email, phone) values ($1, $2, $3, $4)",
        [tenant, ...values],
      ),
    options,
  );

test("withTenant's key and what is written with it come into no error, log line or statistics", async () => {
  const pool = poolOf(url);
  const good = { piiKey: key };
  await insert(pool, ["Guest", "geheim1@guests.example", "+39 010 5550177"], good);
  const found = await withTenant(
    pool,
    { settings: { "app.restaurant_id": tenant } },
    (queries) =>
      queries.query("select full_name from public.find_customers_by_email($1)", ["geheim1@guests.example"]),
    good,
  );
  expect(found.rows).toEqual([{ full_name: "Guest" }]);
  const heard: string[] = [];
  const codes: string[] = [];
  const attempts: [string, () => Promise<unknown>][] = [
    // without a key there is nothing that withTenant would have to keep out
    ["PI001", () => insert(pool, ["G", "keyless@guests.example", null], {})],
    ["PI003", () => insert(pool, ["G", "geheim2@guests.example", null], { piiKey: wrongKey })],
    ["PI010", () => insert(pool, ["G", "geheim 2@guests.example", null], good)],
    ["PI011", () => insert(pool, ["G", null, "5550177x"], good)],
    ["23505", () => insert(pool, ["G", "GEHEIM1@guests.example", null], good)],
    ["23502", () => insert(pool, [null, "geheim3@guests.example", null], good)],
    ["role-refused", () => insert(pool, ["G", "geheim4@guests.example", null], good, "nobody_there")],
    ["bad-tenant-option", () => insert(pool, ["G", null, null], { piiKey: `${key}z` })],
    ["bad-tenant-option", () => insert(pool, ["G", null, null], { piiKey: key.slice(0, 32) })],
    [
      "57014",
      () =>
        withTenant(
          pool,
          { settings: { "app.restaurant_id": tenant } },
          (queries) => queries.query("select pg_sleep(10), $1::text", ["geheim5@guests.example"]),
          { ...good, statementTimeoutMs: 20 },
        ),
    ],
  ];
  for (const [, attempt] of attempts) {
    await attempt().then(
      () => codes.push("no failure"),
      (error) => {
        codes.push(error.code);
        for (let e = error; e; e = e.cause)
          heard.push(JSON.stringify({ ...e, message: e.message, stack: e.stack }));
      },
    );
  }
  expect(codes).toEqual(attempts.map(([code]) => code));
  expect(seenIn(heard.join("\n"))).toEqual([]);
  const written = log();
  expect(written).toContain("set_config");
  expect(written).toContain("PI003");
  expect(seenIn(written)).toEqual([]);
  // Without withTenant an error of this session would have repeated what was bound.
  await expect(pool.query("select 1 / ($1::int - 1), $2::text", [1, "unguarded"])).rejects.toMatchObject({
    code: "22012",
  });
  expect(log()).toContain("unguarded");
  const { rows } = await superuser.query(
    "select string_agg(query, E'\\n') as statements, count(*)::int as n from pg_stat_statements",
  );
  expect(rows[0].statements).toContain("set_config");
  expect(seenIn(rows[0].statements)).toEqual([]);
});

test("the key ends with the transaction, and the connection goes back without it", async () => {
  const pool = poolOf(url);
  await insert(pool, ["After", null, null], { piiKey: key });
  const { rows } = await pool.query(
    "select coalesce(current_setting('app.pii.key', true), '') as key, current_setting('log_parameter_max_length_on_error') as logged",
  );
  expect(rows).toEqual([{ key: "", logged: "-1" }]);
});

test("one round trip for the context with the key in it", async () => {
  const pool = poolOf(url);
  const client = await pool.connect();
  const sent: string[] = [];
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
  Object.assign(client, {
    query: (text: string, ...rest: unknown[]) => {
      sent.push(text);
      return query(text, ...rest);
    },
  });
  client.release();
  await insert(pool, ["Trip", null, null], { piiKey: key });
  expect(sent.length).toBe(4);
  expect(sent[0]).toMatch(/^begin/);
  expect(sent[1]).toMatch(/^select pg_catalog\.set_config/);
  expect(seenIn(sent.join())).toEqual([]);
});

test("a key that the settings give too is refused", async () => {
  await expect(
    withTenant(
      poolOf(url),
      { settings: { "app.restaurant_id": tenant, "APP.pii.key": wrongKey } },
      (queries) => queries.query("select 1"),
      { piiKey: key },
    ),
  ).rejects.toMatchObject({ code: "bad-tenant-option", message: expect.not.stringContaining(key) });
});

test("the commands say neither keys nor values, with --debug and whatever fails, nor does the log", async () => {
  const at = ["--database-url", url, "--debug"];
  const { id } = (
    await withTenant(poolOf(url), { settings: { "app.restaurant_id": tenant } }, (queries) =>
      queries.query("select id from public.customers_secure_view where full_name = 'Guest'"),
    )
  ).rows[0] as { id: string };
  const runs: [number, string[], Record<string, string>][] = [
    [0, ["pii", "status"], { HARNESS_PII_KEY: key }],
    [2, ["pii", "status"], { HARNESS_PII_KEY: wrongKey }],
    [2, ["pii", "status"], { HARNESS_PII_KEY: `${key}z` }],
    [0, ["pii", "backfill"], { HARNESS_PII_KEY: key }],
    [0, ["pii", "advance"], { HARNESS_PII_KEY: key }],
    [2, ["pii", "advance"], { HARNESS_PII_KEY: wrongKey }],
    [2, ["pii", "rotate"], { HARNESS_PII_KEY: wrongKey, HARNESS_PII_NEW_KEY: nextKey }],
    [2, ["pii", "rotate"], { HARNESS_PII_KEY: key, HARNESS_PII_NEW_KEY: key.toUpperCase() }],
    [0, ["pii", "rotate"], { HARNESS_PII_KEY: key, HARNESS_PII_NEW_KEY: nextKey }],
    [1, ["pii", "rotate", "--finish"], { HARNESS_PII_KEY: key }],
    [0, ["pii", "rotate", "--finish"], { HARNESS_PII_KEY: nextKey }],
    [2, ["pii", "export", "--customer", id], { HARNESS_PII_KEY: key }],
    [0, ["pii", "export", "--customer", id], { HARNESS_PII_KEY: nextKey }],
    [0, ["pii", "erase", "--customer", id, "--yes"], {}],
    [0, ["verify", "--fail-on", "critical"], { HARNESS_PII_KEY: nextKey }],
    [3, ["verify", "--fail-on", "critical"], { HARNESS_PII_KEY: wrongKey }],
  ];
  for (const [expected, args, env] of runs) {
    const { status, stdout, stderr } = await harness([...args, ...at], { env });
    expect({ args, status, stderr: status === expected ? "" : stderr }).toEqual({
      args,
      status: expected,
      stderr: "",
    });
    const exported = args[1] === "export" && status === 0;
    if (exported) expect(seenIn(stdout)).toEqual(["email", "phone"]);
    expect({ args, seen: seenIn(`${exported ? "" : stdout}${stderr}`) }).toEqual({ args, seen: [] });
  }
  expect(seenIn(log())).toEqual([]);
  const { rows: statements } = await superuser.query(
    "select string_agg(query, E'\\n') as all from pg_stat_statements",
  );
  expect(seenIn(statements[0].all)).toEqual([]);
});

test("where the server writes bind parameters down, the commands keep the key to themselves, and say why", async () => {
  const { status, stderr } = await harness(["pii", "backfill", "--database-url", loudUrl], {
    env: { HARNESS_PII_KEY: key },
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /^harness: log_\w+ makes this server write .*log_parameter_max_length = 0.*\[key-would-be-logged\]\n$/,
  );
  const verify = await harness(["verify", "--database-url", loudUrl], { env: { HARNESS_PII_KEY: key } });
  // it opens values here, and sends the key to nobody
  expect(verify.status).toBe(0);
  const warned = await harness(["pii", "status", "--database-url", loudUrl]);
  expect(warned.stdout).toContain("warning: log_statement would write the key to the server's log");
  expect(seenIn(log())).not.toContain("key");
  // withTenant does not ask the server first: this is why the setting is needed
  await insert(poolOf(loudUrl), ["Loud", null, null], { piiKey: key });
  expect(seenIn(log())).toContain("key");
});
