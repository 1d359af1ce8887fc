import { expect, test } from "vitest";
import { count, duration, shortCount, size } from "../../harness/terminal/numbers.ts";

test("numbers for people", () => {
  expect([0, 999, 12_000].map(count)).toEqual(["0", "999", "12,000"]);
  expect([0, 999, 1_000, 12_345, 123_456, 12_345_678].map(shortCount)).toEqual([
    "0",
    "999",
    "1.0k",
    "12.3k",
    "123k",
    "12.3M",
  ]);
  expect([0, 1023, 1024, 1024 ** 2 * 150, 1024 ** 5].map(size)).toEqual([
    "0 B",
    "1023 B",
    "1.0 kB",
    "150 MB",
    "1024 TB",
  ]);
  expect([0.04, 59.94, 303, 7_800, 270_000].map(duration)).toEqual([
    "0.0 s",
    "59.9 s",
    "5 min 3 s",
    "2 h 10 min",
    "3 d 3 h",
  ]);
});
