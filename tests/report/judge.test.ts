import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CheckInfo, Result, Section } from "../../harness/core/results.ts";
import tty from "../../harness/report/formats/tty.ts";
import { judge, type Rules } from "../../harness/report/judge/judge.ts";
import { judgementOf } from "../../harness/report/verdict.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { report as reportOf, result } from "./support/report.ts";

const check = (code: string): CheckInfo => ({ ...result({ code, name: `name-of-${code}` }), title: "t" });
const [open, roles, old] = [check("H101"), check("S001"), check("H900")];
const checks = [open, roles, old];
const { target, model } = reportOf([]);
const waiver = (code: string, object = "*") => ({
  ...{ code, object, reason: "known", owner: "dba", expires: "2026-12-31" },
});
const section = (name: string, asked: CheckInfo, ...results: Result[]): Section => ({
  ...{ name, asked: [asked], results, durationMs: 10 },
});
const tables = section("verify", open, result(), result({ object: "public.rooms", outcome: "pass" }));
const setUp = section("setup", roles, result({ code: "S001", object: "authenticated" }));

function judged(sections: Section[], rules: Partial<Rules> = {}, subject: object = {}) {
  const { report, note } = judge({ target, model, ...subject }, sections, {
    ...{ waivers: [], checks, failOn: "medium", today: "2026-06-15", ...rules },
  });
  const lines = report.results.map((each) => `${each.section}: ${each.code} ${each.object} ${each.outcome}`);
  return { report, lines, note };
}

test("results of several capabilities are one report, which says where each is from", () => {
  const { report, lines } = judged([tables, setUp]);
  expect(lines).toEqual([
    "verify: H101 public.bookings fail",
    "verify: H101 public.rooms pass",
    "setup: S001 authenticated fail",
  ]);
  const none = { pass: 0, fail: 0, waived: 0, skipped: 0, error: 0 };
  expect(report.sections).toEqual([
    { ...none, name: "verify", pass: 1, fail: 1, durationMs: 10 },
    { ...none, name: "setup", fail: 1, durationMs: 10 },
  ]);
  expect(report.summary).toEqual({ ...none, pass: 1, fail: 2, tables: 1, durationMs: 20 });
  expect(report.exitCode).toBe(1);
});

test("what is left decides: waived, low, undecided, nothing", () => {
  const exitCode = (...sections: Section[]) =>
    judged(sections, { waivers: [waiver("H101")] }).report.exitCode;
  expect(exitCode(tables)).toBe(0);
  expect(exitCode(tables, setUp)).toBe(1);
  expect(exitCode(tables, section("setup", roles, result({ code: "S001", severity: "low" })))).toBe(0);
  expect(exitCode(tables, section("setup", roles, result({ code: "S001", outcome: "skipped" })))).toBe(3);
  expect(exitCode(section("setup", roles))).toBe(3);
});

test("a waiver is answered for where its check was asked, and left alone where it was not", () => {
  const rules = { waivers: [waiver("H101"), waiver("S001"), waiver("H900"), waiver("H404")] };
  const answers = (...sections: Section[]) =>
    judged(sections, rules).lines.filter((line) => line.startsWith("waivers"));
  const unknown = "waivers: H002 waiver of H404 * fail";
  expect(answers(tables)).toEqual(["waivers: H002 waiver of H101 * pass", unknown]);
  expect(answers(setUp)).toEqual(["waivers: H002 waiver of S001 * pass", unknown]);
  expect(answers(section("verify", open, result({ outcome: "pass" })))).toEqual([
    "waivers: H002 waiver of H101 * fail",
    unknown,
  ]);
});

test("what a baseline knows of checks that were not asked stays in it, unjudged", () => {
  const baseline = join(temporaryFolder(), "baseline.json");
  const codes = () => JSON.parse(readFileSync(baseline, "utf8")).findings.map(({ code }: Result) => code);
  expect(judged([tables, setUp], { baseline, writeBaseline: true }).note).toMatch(
    /2 known findings written$/,
  );

  const { lines, report } = judged([tables], { baseline });
  expect(lines).toEqual([
    "verify: H101 public.bookings waived",
    "verify: H101 public.rooms pass",
    "waivers: H002 baseline pass",
  ]);
  expect(report.sections.map(({ name }) => name)).toEqual(["verify", "waivers"]);
  judged([section("verify", open)], { baseline, pruneBaseline: true });
  expect(codes()).toEqual(["S001"]);
  judged([tables], { baseline, writeBaseline: true });
  expect(codes()).toEqual(["H101", "S001"]);
});

test("an entry whose check there is no more is gone, whatever was asked", () => {
  const baseline = join(temporaryFolder(), "baseline.json");
  const findings = [{ code: "H404", object: "public.x", severity: "high" }];
  writeFileSync(baseline, JSON.stringify({ schemaVersion: 1, findings }));
  expect(judged([setUp], { baseline, pruneBaseline: true }).note).toMatch(/1 findings removed, 0 left$/);
});

test("where nothing was asked about isolation, nothing is said of it", () => {
  const { report } = judged([setUp], {}, { model: null });
  expect(report).toMatchObject({ model: null, summary: { tables: 0 } });
  expect(judgementOf(report)).toBe("Findings");
  expect(judgementOf(judged([tables, setUp]).report)).toBe("Not isolated");
  const text = tty(report, { color: false, links: false });
  expect(text).toMatch(/^harness setup {2}branch main/);
  expect(text).not.toMatch(/isolated|tenant:/i);
});
