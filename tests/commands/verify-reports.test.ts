import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import type { Result } from "../../harness/core/results.ts";
import { splitStatements } from "../../harness/sql/parse/statements.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";

const { url, client } = await testDatabase();
const folder = mkdtempSync(join(tmpdir(), "harness-verify-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { isolation } = JSON.parse(readFileSync(join(packageRoot, "harness.config.json"), "utf8"));
const hostile = 'public."x\n::error::%0A]]> | ` <b> --""; drop table bookings; --"';

/** Runs verify in a project of its own: a configuration, and a current.sql. */
async function verify(args: string[], config: object = {}) {
  writeFileSync(join(folder, "harness.config.json"), JSON.stringify({ isolation, ...config }));
  return harness(["verify", "--database-url", url, ...args], { cwd: folder });
}
const waiver = (changes: object) => ({
  reason: "a test",
  owner: "somebody",
  expires: "2999-12-31",
  ...changes,
});
const failures = (stdout: string): string[] =>
  JSON.parse(stdout)
    .results.filter(({ outcome }: Result) => outcome === "fail")
    .map(({ code, object }: Result) => `${code} ${object}`);

/** What is wrong to begin with. */
let found: string[];

beforeAll(async () => {
  await client.query(`
    create table ${hostile} (id uuid primary key, restaurant_id uuid not null);
    grant select on ${hostile} to authenticated;
  `);
  found = failures((await verify(["--json"])).stdout);
});

describe("formats", () => {
  test("each is written to its file, and the exit code is one for all", async () => {
    const formats = ["json", "sarif", "junit", "tap", "github", "markdown", "tty"];
    const paths = formats.map((format) => join(folder, `report.${format}`));
    const { status, stdout, stderr } = await verify(
      formats.flatMap((format, at) => ["-o", `${format}=${paths[at]}`]),
    );
    expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: "", stderr: "" });
    const [json, sarif, ...texts] = paths.map((path) => readFileSync(path, "utf8")) as [
      string,
      string,
      ...string[],
    ];
    expect(failures(json)).toContain(`H101 ${hostile}`);
    expect(JSON.parse(sarif).runs[0].results[0].locations[0].logicalLocations[0].fullyQualifiedName).toBe(
      hostile,
    );
    for (const text of texts) {
      expect(text).toContain("H101");
      expect(text).not.toMatch(/^\s*::error::%0A/m);
    }
  });

  test("NO_COLOR, FORCE_COLOR and a dumb terminal are honoured", async () => {
    const run = async (env: Record<string, string>) =>
      (await harness(["verify", "--database-url", url], { cwd: folder, env })).stdout.includes("\u001b[");
    expect(await run({ NO_COLOR: "", FORCE_COLOR: "1" })).toBe(true);
    expect(await run({ NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
    expect(await run({ NO_COLOR: "", TERM: "dumb" })).toBe(false);
  });
});

describe("--fix", () => {
  test("prints a migration that mends what was found, and applies nothing", async () => {
    const { status, stdout, stderr } = await verify(["--fix"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^harness verify --fix: \d+ changes?\nNot isolated: /);
    expect((await splitStatements(stdout)).length).toBeGreaterThan(0);
    expect(stdout).toMatch(/^-- H101 public\."x\\n::error/m);
    expect(failures((await verify(["--json"])).stdout)).toEqual(found);

    await client.query("begin");
    await client.query(stdout);
    const { rows } = await client.query(`select relrowsecurity from pg_class where oid = $1::regclass`, [
      hostile,
    ]);
    expect(rows).toEqual([{ relrowsecurity: true }]);
    await client.query("rollback");
  });

  test("a report may go to a file meanwhile, but not into the SQL", async () => {
    const path = join(folder, "beside.json");
    expect((await verify(["--fix", "-o", `json=${path}`])).status).toBe(1);
    expect(failures(readFileSync(path, "utf8"))).not.toEqual([]);
    const mixed = await verify(["--fix", "--json"]);
    expect(mixed.status).toBe(2);
    expect(mixed.stderr).toMatch(/\[stdout-taken\]\n$/);
  });

  test("=current appends to current.sql, once", async () => {
    const current = join(folder, "current.sql");
    rmSync(current, { force: true });
    expect((await verify(["--fix=current"])).stderr).toMatch(/\[no-current-sql\]\n$/);
    writeFileSync(current, "-- mine\nselect 1;\n");
    const first = await verify(["--fix=current"]);
    expect(first.status).toBe(1);
    expect(first.stdout).toContain("Not isolated");
    expect(first.stderr).toMatch(/changes? appended to .*current\.sql; nothing is applied\n$/);
    const text = readFileSync(current, "utf8");
    expect(text).toMatch(/^-- mine\nselect 1;\n\n-- Mends what harness verify found/);
    expect((await splitStatements(text)).length).toBeGreaterThan(1);
    const second = await verify(["--fix=current"]);
    expect(second.stderr).toMatch(/^harness verify --fix: 0 changes appended to .* were in it\)/);
    expect(readFileSync(current, "utf8")).toBe(text);
  });

  test("anything else is refused", async () => {
    const { status, stderr } = await verify(["--fix=production"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/\[unknown-fix-target\]\n$/);
  });
});

describe("waivers", () => {
  test("of everything that was found: exit code 0, and nothing hidden", async () => {
    const codes = [...new Set(found.map((each) => each.split(" ")[0]))];
    const waivers = codes.map((code) => waiver({ code, object: 'public."x*' }));
    const path = join(folder, "waived.json");
    const { status, stdout } = await verify(["-o", "tty", "-o", `json=${path}`], { waivers });
    const json = readFileSync(path, "utf8");
    expect(failures(json)).toEqual([]);
    expect(status).toBe(0);
    expect(JSON.parse(json).summary).toMatchObject({ fail: 0, waived: found.length });
    expect(stdout).toContain("– Waived");
    expect(stdout).toContain("by somebody: a test");
  });

  test("expired, unused or of an unknown check: findings", async () => {
    const { status, stdout } = await verify(["--json"], {
      waivers: [
        waiver({ code: "H101", object: hostile, expires: "2020-01-01" }),
        waiver({ code: "H102", object: "public.nowhere" }),
        waiver({ code: "H999", object: "*" }),
      ],
    });
    expect(status).toBe(1);
    expect(failures(stdout)).toEqual(
      expect.arrayContaining([
        `H101 ${hostile}`,
        `H002 waiver of H101 ${hostile}`,
        "H002 waiver of H102 public.nowhere",
        "H002 waiver of H999 *",
      ]),
    );
  });

  test("an incomplete one is refused by its path", async () => {
    const { status, stderr } = await verify([], { waivers: [{ code: "H101", object: "*", reason: "why" }] });
    expect(status).toBe(2);
    expect(stderr).toContain("waivers.0.owner");
  });
});

describe("--baseline", () => {
  test("write, compare, prune", async () => {
    const baseline = join(folder, "baseline.json");
    const written = await verify(["--baseline", baseline, "--write-baseline"]);
    expect(written.stderr).toMatch(/known findings written\n$/);
    expect(written.status).toBe(0);
    const first = readFileSync(baseline, "utf8");
    expect((await verify(["--baseline", baseline, "--json"])).status).toBe(0);

    await client.query(
      "create table public.brand_new (id uuid, restaurant_id uuid); grant select on public.brand_new to authenticated",
    );
    const after = await verify(["--baseline", baseline, "--json"]);
    expect(after.status).toBe(1);
    expect(failures(after.stdout)).toContain("H101 public.brand_new");
    expect(failures(after.stdout)).not.toContain(`H101 ${hostile}`);
    await client.query("drop table public.brand_new");

    await verify(["--baseline", baseline, "--write-baseline"]);
    expect(readFileSync(baseline, "utf8")).toBe(first);

    await client.query("begin");
    await client.query(`alter table ${hostile} rename to gone`);
    await client.query("drop table public.gone");
    await client.query("commit");
    const stale = await verify(["--baseline", baseline, "--json"]);
    expect(failures(stale.stdout)).toEqual(["H002 baseline"]);
    expect(stale.status).toBe(0);
    const pruned = await verify(["--baseline", baseline, "--prune-baseline"]);
    expect(pruned.stderr).toMatch(/findings removed, 0 left\n$/);
    expect(JSON.parse(readFileSync(baseline, "utf8"))).toEqual({ schemaVersion: 1, findings: [] });
    expect((await verify(["--baseline", baseline])).status).toBe(0);
  });

  test("a file that is not there is a usage error", async () => {
    const { status, stderr } = await verify(["--baseline", "/nowhere.json"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/\[baseline-unreadable\]\n$/);
  });
});
