import { expect, test } from "vitest";
import { displayWidth } from "../../harness/report/display-width.ts";
import { printable, printableSql } from "../../harness/report/printable.ts";
import { wrap } from "../../harness/report/text.ts";
import { hostileNames } from "./support/report.ts";

test("what can't be shown is written as an escape", () => {
  expect(printable("a\nb\r\tc\u001b[31m\u202e\ud800")).toBe("a\\nb\\r\\tc\\u001b[31m\\u202e\\ud800");
  expect(printable('Gäste 表 🐘 "x"')).toBe('Gäste 表 🐘 "x"');
});

test("SQL keeps its lines", () => {
  expect(printableSql("select 1;\n\tselect \u001b;")).toBe("select 1;\n\tselect \\u001b;");
});

test("nothing is an order to the keeper of a GitHub log", () => {
  expect(printable("##[error]x ## [")).toBe("\\u0023#[error]x ## [");
  expect(printableSql('select "a\n ::error::x";\nselect 1::int;')).toBe(
    'select "a\\n ::error::x";\nselect 1::int;',
  );
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
