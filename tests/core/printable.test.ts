import { expect, test } from "vitest";
import { printable, printableJson, printableLines } from "../../harness/core/printable.ts";
import { displayWidth } from "../../harness/terminal/display-width.ts";
import { wrap } from "../../harness/terminal/text.ts";
import { hostileNames } from "../report/support/report.ts";

test("what can't be shown is written as an escape", () => {
  expect(printable("a\nb\r\tc\u001b[31m\u202e\ud800")).toBe("a\\nb\\r\\tc\\u001b[31m\\u202e\\ud800");
  expect(printable('Gäste 表 🐘 "x"')).toBe('Gäste 表 🐘 "x"');
});

test("whatever has no width, turns the writing or looks like a space is an escape too", () => {
  for (const code of [
    0x7f, 0x85, 0x9b, 0xa0, 0xad, 0x61c, 0x180e, 0x200b, 0x200d, 0x202e, 0x2060, 0x2066, 0x3000, 0x3164,
    0xfe0f, 0xfeff,
  ]) {
    expect(printable(`a${String.fromCharCode(code)}b`)).toBe(`a\\u${code.toString(16).padStart(4, "0")}b`);
  }
  expect(printable("a\u{e0041}b\u{fffff}")).toBe("a\\u{e0041}b\\u{fffff}");
});

test("lines of our own stay", () => {
  expect(printableLines("one\n\ttwo \u001b\r\n")).toBe("one\n\ttwo \\u001b\\r\n");
  expect(printableLines("one\n ::error::x")).toBe("one\\n ::error::x");
});

test("nothing is an order to the keeper of a GitHub log", () => {
  expect(printable("##[error]x ## [")).toBe("\\u0023#[error]x ## [");
});

test.each([undefined, 2])("JSON says the same in characters that can be shown", (indent) => {
  const value = { [hostileNames.join()]: [...hostileNames, "\u{e0041}\u200b\u009b##[x]"] };
  const json = printableJson(value, indent);
  expect(JSON.parse(json)).toEqual(value);
  expect(json.replaceAll("\n", "")).toBe(printable(json.replaceAll("\n", "")));
});

test("width is counted in columns of a terminal", () => {
  expect([..."aé表🐘"].map(displayWidth)).toEqual([1, 1, 2, 2]);
  expect(displayWidth("e\u0301")).toBe(1);
});

test.each([20, 40, 80])("no wrapped line is wider than %i columns, and no character is lost", (width) => {
  for (const name of hostileNames.map(printable)) {
    const wrapped = wrap(`one two ${name} three`, width, "  H101  ");
    expect(Math.max(...wrapped.split("\n").map(displayWidth))).toBeLessThanOrEqual(width);
    expect(wrapped.replace(/\s/g, "")).toBe(`H101onetwo${name}three`.replace(/\s/g, ""));
  }
});
