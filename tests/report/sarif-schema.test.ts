import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import ajvDraft04 from "ajv-draft-04";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import json from "../../harness/report/formats/json.ts";
import sarif from "../../harness/report/formats/sarif.ts";
import { everyOutcome, hostileResults, plain, report } from "./support/report.ts";

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const require = createRequire(import.meta.url);

// Microsoft's package for tests carries the schema of OASIS; its matcher is for another test runner.
const sarifSchema = read(join(require.resolve("@microsoft/jest-sarif"), "../schemas/sarif-2.1.0-rtm.5.json"));
const verifySchema = read(join(packageRoot, "docs/schemas/verify.schema.json"));

function sarifValidator() {
  const ajv = new ajvDraft04.default({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  return ajv.compile(sarifSchema);
}

const reports = {
  "every outcome": report(everyOutcome()),
  "hostile names": report(hostileResults()),
  "hostile names, waived": report(
    hostileResults({
      outcome: "waived",
      waiver: { source: "baseline", reason: "known", owner: null, expires: null },
    }),
  ),
  "hostile names, not decided": report(hostileResults({ outcome: "skipped", evidence: null, fix: null })),
  "a check without a page": report(hostileResults({ docs: "docs/checks/none.md", area: "" })),
  nothing: report([]),
};

describe.each(Object.entries(reports))("%s", (_, each) => {
  test("is SARIF 2.1.0", () => {
    const validate = sarifValidator();
    validate(JSON.parse(sarif(each, plain)));
    expect(validate.errors).toBeNull();
  });

  test("is what docs/schemas/verify.schema.json describes", () => {
    const validate = new Ajv2020({ strict: false, allErrors: true }).compile(verifySchema);
    validate(JSON.parse(json(each, plain)));
    expect(validate.errors).toBeNull();
  });
});

test("the schemas refuse what is wrong", () => {
  expect(sarifValidator()({ version: "2.1.0", runs: [{ results: [] }] })).toBe(false);
  const [first, ...others] = everyOutcome();
  const wrong = report([{ ...first, severity: "dreadful" } as never, ...others]);
  expect(new Ajv2020({ strict: false }).compile(verifySchema)(JSON.parse(json(wrong, plain)))).toBe(false);
});
