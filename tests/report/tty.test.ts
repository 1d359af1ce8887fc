import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { printable } from "../../harness/core/printable.ts";
import { packageRoot } from "../../harness/core/project.ts";
import tty from "../../harness/report/formats/tty.ts";
import { displayWidth } from "../../harness/terminal/display-width.ts";
import { everyOutcome, hostileNames, hostileResults, plain, report, result } from "./support/report.ts";

/** Lines that are not SQL: SQL is indented by four and stands under "See it" and "Mend it". */
function linesWithoutSql(text: string): string[] {
  return text.replace(/^ {2}(See|Mend) it:\n(?: {4}.*\n)+/gm, "").split("\n");
}

describe("tty", () => {
  test.each(["fail", "waived", "skipped", "error", "pass"] as const)(
    "%s: never wider than 80 columns, but for SQL",
    (outcome) => {
      const text = tty(report([...everyOutcome(), ...hostileResults({ outcome })]), plain);
      expect(linesWithoutSql(text).filter((line) => displayWidth(line) > 80)).toEqual([]);
    },
  );

  test("a long target, role and database are wrapped too", () => {
    const wide = report(everyOutcome(), { branch: "b".repeat(90), database: "d".repeat(63) });
    if (wide.model) wide.model.tenantRoles = Array.from({ length: 9 }, (_, at) => `tenant_role_number_${at}`);
    const text = tty(wide, plain);
    expect(linesWithoutSql(text).filter((line) => displayWidth(line) > 80)).toEqual([]);
    expect(text).toContain("tenant_role_number_8");
  });

  test("hostile names send nothing to the terminal and begin no line", () => {
    const text = tty(report(hostileResults()), plain);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    const unbroken = text.replace(/\s/g, "");
    for (const name of hostileNames) expect(unbroken).toContain(printable(name).replace(/\s/g, ""));
    expect(text.split("\n").filter((line) => /^\s*::/.test(line))).toEqual([]);
  });

  test("each outcome is told apart", () => {
    const text = tty(report(everyOutcome()), plain);
    expect(text).toContain("✗ H101  enable-row-security        1 of 3 failed");
    expect(text).toContain("? H201  hide-foreign-rows          1 of 1 undecided");
    expect(text).toMatch(
      /\? Not decided, and so not proved\n {4}H201 {2}database: no tenant role can be reached\n/,
    );
    expect(text).toMatch(/– Waived\n {4}H101 {2}public\.rooms: [^\n]*waived until/);
    expect(text).toMatch(
      /\nNot isolated: 1 passed, 1 failed, 1 waived, 1 skipped, 1 could not run on 4\s+objects/,
    );
  });

  test("what is waived is no finding, and is not said to have passed", () => {
    const [passed, , waived] = everyOutcome();
    const text = tty(report([passed, waived].filter((each) => each !== undefined)), plain);
    expect(text).toContain("1 check, 1 passed, 1 waived");
    expect(text).toContain("Isolated: 1 passed, 0 failed, 1 waived");
    expect(text).not.toContain("✗");
  });

  test("the baseline is a number, not a list", () => {
    const waiver = { source: "baseline" as const, reason: "known", owner: null, expires: null };
    const known = Array.from({ length: 500 }, (_, at) =>
      result({ object: `public.t${at}`, outcome: "waived", waiver }),
    );
    const text = tty(report(known), plain);
    expect(text).toContain("500 findings are in the baseline");
    expect(text).not.toContain("public.t77");
  });

  test("colours and links where the terminal has them", () => {
    const text = tty(report(everyOutcome()), { color: true, links: true });
    const page = pathToFileURL(join(packageRoot, "docs/checks/H101.md")).href;
    expect(text).toContain(`\u001b]8;;${page}\u001b\\H101\u001b]8;;\u001b\\`);
    expect(text).toContain("\u001b[31m✗");
    expect(tty(report(everyOutcome()), { color: true, links: false })).not.toContain("\u001b]8");
    expect(tty(report(everyOutcome()), plain)).not.toContain("\u001b");
  });
});
