import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { manageWaivers } from "../../harness/report/judge/waivers.ts";
import { displayWidth } from "../../harness/terminal/display-width.ts";
import { loadChecks } from "../../harness/verify/checks.ts";
import { harness } from "../support/cli.ts";

// Away from any project, with no database anywhere.
const cwd = mkdtempSync(join(tmpdir(), "harness-explain-"));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const explain = (...args: string[]) => harness(["explain", ...args], { cwd, env: { HARNESS_STATE: cwd } });

test("without a check, all are listed by area", async () => {
  const { status, stdout } = await explain();
  expect(status).toBe(0);
  for (const { code, name, severity, area } of loadChecks()) {
    expect(stdout).toMatch(new RegExp(`^  ${code} +${name} +${severity}$`, "m"));
    expect(stdout).toMatch(new RegExp(`^${area}$`, "m"));
  }
  expect(stdout).toMatch(/^ {2}H002 +manage-waivers +medium$/m);
  expect(stdout.split("\n").filter((line) => displayWidth(line) > 80)).toEqual([]);
});

test.each(["H101", "h101", "enable-row-security", "Enable-Row-Security"])(
  "%s shows the page",
  async (word) => {
    const { status, stdout } = await explain(word);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^H101 enable-row-security\n/);
    expect(stdout).toContain("\nMend it\n");
    expect(stdout).toContain("    select tenancy.protect('public.bookings', 'restaurant_id');");
  },
);

test("the check of waivers has a page in the form of the others", async () => {
  expect((await explain("H002")).stdout).toMatch(/^H002 manage-waivers\n/);
  const { code, name, title, severity, docs } = manageWaivers;
  const page = readFileSync(join(packageRoot, docs), "utf8");
  expect(page).toContain(`# ${code} ${name}\n\n**${title}.** Severity: ${severity}.`);
  for (const heading of ["Problem", "See it", "Mend it", "When to waive it"]) {
    expect(page).toContain(`\n## ${heading}\n`);
  }
});

test("--json gives the page as it is, and the list", async () => {
  expect(JSON.parse((await explain("4A", "--json")).stdout)).toMatchObject({
    schemaVersion: 1,
    code: "4a",
    name: "forbid-rls-bypass",
    severity: "critical",
    area: "roles",
    docs: "docs/checks/4a.md",
    markdown: expect.stringContaining("# 4a forbid-rls-bypass"),
  });
  const { checks } = JSON.parse((await explain("--json")).stdout);
  expect(checks).toHaveLength(loadChecks().length + 1);
});

test("an unknown check: the nearest ones, and exit code 2", async () => {
  const { status, stderr, stdout } = await explain("H1O1");
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(/^harness: there is no check "H1O1"\. Did you mean [^?]*H101.*\[unknown-check\]\n$/);
  expect((await explain("nonsense at all")).stderr).toContain("`harness explain` lists them all");
});

test("colours only where they are wanted", async () => {
  const colored = await harness(["explain", "4c"], { cwd, env: { NO_COLOR: "", FORCE_COLOR: "1" } });
  expect(colored.stdout).toContain("\u001b[");
  expect((await explain("4c")).stdout).not.toContain("\u001b");
});

test("--sql prints all that a check runs", async () => {
  const { status, stdout } = await explain("correlate-policy-subqueries", "--sql");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^-- H302 correlate-policy-subqueries: .*\n(-- .*\n)+begin /);
  expect(stdout).toMatch(/\nrollback;\n$/);
  expect(JSON.parse((await explain("H302", "--sql", "--json")).stdout)).toMatchObject({
    code: "H302",
    sql: stdout,
  });
});

test.each([
  [["--sql"], "--sql needs a check"],
  [["H002", "--sql"], "H002 asks about the configuration, not the database"],
])("%j is refused", async (args, message) => {
  const { status, stderr } = await explain(...args);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toMatch(/\[no-sql\]\n$/);
});
