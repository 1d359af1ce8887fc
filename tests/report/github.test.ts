import { describe, expect, test } from "vitest";
import { printable } from "../../harness/core/printable.ts";
import github from "../../harness/report/formats/github.ts";
import { everyOutcome, hostileNames, hostileResults, plain, report, result } from "./support/report.ts";

/** What the runner makes of a line: a command, or text of the log. */
function parse(line: string) {
  const match = /^::(\w+) title=([^:,\r\n]*)::([^\r\n]*)$/.exec(line);
  if (!match) throw new Error(`no command: ${line}`);
  const decode = (text: string) =>
    text
      .replaceAll("%3A", ":")
      .replaceAll("%2C", ",")
      .replaceAll("%0A", "\n")
      .replaceAll("%0D", "\r")
      .replaceAll("%25", "%");
  return { level: match[1], title: decode(match[2] as string), message: decode(match[3] as string) };
}
const commands = (results: Parameters<typeof report>[0]) =>
  github(report(results), plain)
    .trimEnd()
    .split(/\r\n|\r|\n/)
    .map(parse);

describe("github", () => {
  test("an annotation for each finding and each open question; what passed or is waived is in the last one", () => {
    expect(commands(everyOutcome()).map(({ level, title }) => `${level} ${title}`)).toEqual([
      "error H101 enable-row-security",
      "warning H201 hide-foreign-rows",
      "warning H202 refuse-foreign-insert",
      "error harness verify",
    ]);
    const [finding, , , verdict] = commands(everyOutcome());
    expect(finding?.message).toMatch(/^public\.guests: row security is disabled/);
    expect(finding?.message).toContain("Mend it:\nalter table public.bookings enable row level security;");
    expect(verdict?.message).toMatch(
      /^Not isolated: 1 passed, 1 failed, 1 waived, 1 skipped, 1 could not run/,
    );
  });

  test("the level follows the severity, the worst first", () => {
    const results = (["low", "medium", "high", "critical"] as const).map((severity) => result({ severity }));
    expect(commands(results).map(({ level }) => level)).toEqual([
      "error",
      "error",
      "warning",
      "notice",
      "error",
    ]);
  });

  test("an isolated database is one notice", () => {
    expect(commands([result({ outcome: "pass" })])).toMatchObject([
      { level: "notice", title: "harness verify" },
    ]);
  });

  test("hostile names begin no command of their own and come back as they were", () => {
    const found = commands(hostileResults());
    expect(found).toHaveLength(hostileNames.length + 1);
    for (const [at, name] of hostileNames.entries()) {
      expect(found[at]?.message).toContain(`${printable(name)}: role reads`);
    }
  });

  test("a hostile check name stays in its property", () => {
    const [finding] = commands([result({ name: "a,file=x::b\nc%0A" })]);
    expect(finding?.title).toBe("H101 a,file=x::b\\nc%0A");
  });

  test("a percent sign is escaped before what brings percent signs", () => {
    expect(github(report([result({ detail: "%0A\n" })]), plain)).toContain("%250A\\n");
  });
});
