import { globSync } from "tinyglobby";
import { expect, inject, test } from "vitest";
import { urlOf } from "../../harness/targets/session/url-of.ts";
import { loadChecks } from "../../harness/verify/checks.ts";
import { fixtureFolder } from "../support/check-fixtures.ts";
import { verifyDatabase } from "../support/verify.ts";

test("every fixture belongs to a check", () => {
  const known = new Set(loadChecks().map(({ code }) => code));
  const folders = globSync("*/", { cwd: fixtureFolder, onlyDirectories: true }).map((name) =>
    name.replace(/\/$/, ""),
  );
  expect(folders.filter((name) => !known.has(name))).toEqual([]);
});

test("nothing in the reference platform is blamed", async () => {
  const reference = await verifyDatabase(urlOf(inject("serverUrl"), inject("template")), "low");
  expect(reference.failed).toEqual([]);
});
