import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, inject, test } from "vitest";
import { harness } from "../support/cli.ts";
import { emulatedBranch, startNeonEmulator } from "../support/neon-emulator.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// From a branch's name through Neon's API to a verified database: the API is an emulator, the database is real.
const server = new URL(inject("serverUrl"));
const branch = emulatedBranch("preview", {
  databases: [inject("template")],
  roles: { [server.username]: decodeURIComponent(server.password) },
  compute: server.host,
  parameters: "",
});
const neon = await startNeonEmulator({ projects: [{ id: "quiet-river-1", branches: [branch] }] });
afterAll(() => neon.close());

const env = { NEON_API_KEY: neon.apiKey, NEON_API_HOST: neon.apiHost, NEON_PROJECT_ID: "quiet-river-1" };
const config = JSON.stringify({
  isolation: {
    tenantColumn: "restaurant_id",
    tenantRoles: ["authenticated"],
    context: { claim: "activeRestaurantId" },
  },
  neon: { database: inject("template"), role: server.username },
});

const configFile = join(temporaryFolder(), "harness.config.json");
writeFileSync(configFile, config);

test("--branch NAME is a Neon branch once a project is configured", async () => {
  const { status, stdout, stderr } = await harness(
    ["verify", "--branch", "preview", "--json", "--config", configFile],
    { env },
  );
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({ target: { branch: "preview", provider: "neon" }, exitCode: 0 });
  expect(status).toBe(0);
});

test("a name that Neon does not know is not looked for elsewhere", async () => {
  const { status, stderr } = await harness(["verify", "--branch", "main"], { env });
  expect(stderr).toMatch(/^harness: [^\n]*\[unknown-branch\]\n$/);
  expect(stderr).toContain("preview");
  expect(stderr).not.toContain(neon.apiKey);
  expect(status).toBe(2);
});

test("a key without a project is mentioned where a local branch is missing", async () => {
  const { stderr } = await harness(["verify", "--branch", "nowhere"], { env: { NEON_API_KEY: neon.apiKey } });
  expect(stderr).toContain("NEON_PROJECT_ID");
});
