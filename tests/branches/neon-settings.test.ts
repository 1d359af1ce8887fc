import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeError } from "../../harness/command-line/run.ts";
import { redact } from "../../harness/core/redaction.ts";
import { missingNeonProject, neonSettings, requireNeonSettings } from "../../harness/targets/neon/target.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "harness-neon-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const NEON_API_KEY = "key-of-the-test-1";

test("without a key there is no Neon, whatever else there is", () => {
  writeFileSync(join(folder, ".neon"), "not JSON");
  const env = { NEON_PROJECT_ID: "from-env", NEON_API_KEY: " " };
  expect(neonSettings({ projectId: "from-config" }, env, folder)).toBeNull();
  expect(missingNeonProject(undefined, env, folder)).toBeNull();
});

test("the key is known from then on, and the spaces around it are not part of it", () => {
  const settings = neonSettings({ projectId: "p" }, { NEON_API_KEY: ` ${NEON_API_KEY}\n` }, folder);
  expect(settings?.apiKey).toBe(NEON_API_KEY);
  expect(redact(`sent ${NEON_API_KEY}`)).toBe("sent ***");
});

describe("the project", () => {
  test("comes from the environment before the config before .neon", () => {
    writeFileSync(join(folder, ".neon"), JSON.stringify({ orgId: "org-1", projectId: "from-file" }));
    const config = { projectId: "from-config" };
    const find = (c: typeof config | undefined, env: NodeJS.ProcessEnv) =>
      neonSettings(c, { NEON_API_KEY, ...env }, folder)?.projectId;
    expect(find(config, { NEON_PROJECT_ID: "from-env" })).toBe("from-env");
    expect(find(config, { NEON_PROJECT_ID: "" })).toBe("from-config");
    expect(find(undefined, {})).toBe("from-file");
  });

  test("is looked for in the folders above", () => {
    writeFileSync(join(folder, ".neon"), '{"projectId":"from-above"}');
    const deep = join(folder, "a", "b");
    mkdirSync(deep, { recursive: true });
    expect(neonSettings(undefined, { NEON_API_KEY }, deep)?.projectId).toBe("from-above");
  });

  test.each([
    ["no file", () => undefined],
    ["an empty link", () => writeFileSync(join(folder, ".neon"), "{}")],
    ["a folder of that name", () => mkdirSync(join(folder, ".neon"))],
  ])("is missing with %s, and the reason is known", (_, prepare) => {
    prepare();
    expect(neonSettings(undefined, { NEON_API_KEY }, folder)).toBeNull();
    expect(missingNeonProject(undefined, { NEON_API_KEY }, folder)).toMatch(
      /NEON_API_KEY is set, but no Neon project/,
    );
    expect(() => requireNeonSettings(undefined, { NEON_API_KEY }, folder)).toThrow("Neon is not configured");
  });

  test.each(["{", "null", '{"projectId":7}'])("in a malformed link: %s", (content) => {
    writeFileSync(join(folder, ".neon"), content);
    try {
      neonSettings(undefined, { NEON_API_KEY }, folder);
    } catch (error) {
      expect(describeError(error)).toBe(
        `harness: ${folder}/.neon is not JSON with a projectId. Mend or delete it, or set NEON_PROJECT_ID. [malformed-neon-file]`,
      );
      return;
    }
    throw new Error("the file was accepted");
  });
});

test("the rest comes from the config, but the API's address from the environment only", () => {
  const config = { projectId: "p", database: "shop", role: "shop_owner" };
  expect(neonSettings(config, { NEON_API_KEY }, folder)).toEqual({ apiKey: NEON_API_KEY, ...config });
  const redirected = { ...config, apiHost: "https://elsewhere/api/v2" };
  expect(neonSettings(redirected, { NEON_API_KEY }, folder)).toEqual({ apiKey: NEON_API_KEY, ...config });
  const env = { NEON_API_KEY, NEON_API_HOST: "https://b/api/v2" };
  expect(neonSettings(config, env, folder)?.apiHost).toBe("https://b/api/v2");
});

test("who asks for Neon without a key is told what to set", () => {
  try {
    requireNeonSettings(undefined, {}, folder);
  } catch (error) {
    expect(describeError(error)).toBe(
      "harness: Neon is not configured. Set NEON_API_KEY and NEON_PROJECT_ID. [neon-not-configured]",
    );
    return;
  }
  throw new Error("it was accepted");
});
