import { expect, test } from "vitest";
import { option, repeatable, switchedOff, withOptionalValue } from "../../harness/command-line/option.ts";
import { choice, count, seconds, serial, text, uuid } from "../../harness/command-line/values.ts";

const rows = count("rows", { most: 100 });
const wait = seconds({ least: 0.01, most: 60 });

test.each([
  [rows, "1", 1],
  [rows, "100", 100],
  [rows, "007", 7],
  [wait, "0.5", 500],
  [wait, ".01", 10],
  [wait, "60", 60_000],
  [seconds({ least: 0, most: 60 }), "0", 0],
  [serial("id"), "9007199254740993", "9007199254740993"],
  [uuid(), "6F9619FF-8B86-4D11-B42D-00C04FC964FF", "6F9619FF-8B86-4D11-B42D-00C04FC964FF"],
  [choice("what", ["keep", "drop"]), "drop", "drop"],
  [text("name"), "", ""],
])("%o reads %j", (value, given, read) => {
  expect(value.parse(given)).toBe(read);
});

test.each([
  ...["0", "101", "-1", "1.0", "1e1", "0x1", " 1", "", "١", "1\n"].map((given) => [rows, given] as const),
  ...["0", "0.001", "60.1", "-1", "1e1", "", ".", " 1", "∞", "Infinity", "NaN", "1s"].map(
    (given) => [wait, given] as const,
  ),
  ...["", "1.5", "-1", "1234567890123456789"].map((given) => [serial("id"), given] as const),
  ...["", "x", "6F9619FF-8B86-4D11-B42D-00C04FC964F", "{6F9619FF-8B86-4D11-B42D-00C04FC964FF}"].map(
    (given) => [uuid(), given] as const,
  ),
  ...["", "Drop", "keep ", "toString"].map((given) => [choice("what", ["keep", "drop"]), given] as const),
])("%o refuses %j", (value, given) => {
  expect(value.parse(given)).toBeUndefined();
});

test("an option that is left out is what it says; an empty one is not left out", () => {
  const batch = option(rows, "rows", "50");
  expect(batch.read(undefined, "--batch")).toBe(50);
  expect(batch.read("7", "--batch")).toBe(7);
  expect(() => batch.read("", "--batch")).toThrowError(
    expect.objectContaining({
      code: "bad-option",
      message: '--batch "" is not a whole number from 1 to 100',
      hint: "Leave it out for 50.",
    }),
  );
  expect(option(rows, "rows").read(undefined, "--batch")).toBeUndefined();
});

test("options that are repeated, switch off, or stand alone", () => {
  expect(repeatable(rows, "rows").read(["1", "2"], "--rows")).toEqual([1, 2]);
  expect(repeatable(rows, "rows").read(undefined, "--rows")).toEqual([]);
  expect([true, undefined, false].map((given) => switchedOff("off").read(given, "--no-x"))).toEqual([
    true,
    true,
    false,
  ]);
  const fix = withOptionalValue(choice("where", ["current"]), "fix");
  expect([true, undefined, "current"].map((given) => fix.read(given, "--fix"))).toEqual([
    true,
    undefined,
    "current",
  ]);
});
