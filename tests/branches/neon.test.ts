import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeError } from "../../harness/command-line/run.ts";
import { HarnessError } from "../../harness/core/errors.ts";
import { redact } from "../../harness/core/redaction.ts";
import type { NeonSettings } from "../../harness/targets/neon/settings.ts";
import { neonTarget } from "../../harness/targets/neon/target.ts";
import { parseConnectionUrl } from "../../harness/targets/session/connection-url.ts";
import { emulatedBranch, type NeonEmulator, startNeonEmulator } from "../support/neon-emulator.ts";

const projectId = "cool-forest-12345678";
let neon: NeonEmulator;
let waits: number[];

beforeEach(() => {
  waits = [];
});
afterEach(() => neon.close());

async function start(options: Parameters<typeof startNeonEmulator>[0] = {}): Promise<void> {
  neon = await startNeonEmulator(options);
}

/** Resolves without really waiting; `waits` says how long it would have waited. */
function resolve(name: string, more: Partial<NeonSettings> = {}, callTimeoutMs = 5_000) {
  const settings = { apiKey: neon.apiKey, apiHost: neon.apiHost, projectId, ...more };
  return neonTarget(name, settings, { callTimeoutMs, wait: async (ms) => void waits.push(ms) });
}

/** The error as it is printed. Neither the API key nor a password is in it, not even in the causes. */
async function failure(...args: Parameters<typeof resolve>): Promise<{ code: string; line: string }> {
  const error = await resolve(...args).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HarnessError);
  const { code, exitCode, message, hint } = error as HarnessError;
  expect(exitCode).toBe(2);
  expect(message).not.toContain("\n");
  expect(hint).toMatch(/[.?]$/);
  const printed = describeError(error, true);
  for (const secret of [args[1]?.apiKey ?? neon.apiKey, "npg_AbC1dEf2GhI3"]) {
    expect(`${printed} ${message} ${hint}`).not.toContain(secret);
  }
  return { code, line: describeError(error) };
}

describe("a branch is found", () => {
  const branches = [
    emulatedBranch("main-2"),
    emulatedBranch("dev/main"),
    emulatedBranch("main", { compute: "ep-main-1.eu.neon.tech", roles: { neondb_owner: "p@ss:/w%rd é" } }),
    emulatedBranch("café & co/ü?#%"),
  ];

  test("by its exact name, although the search finds more; the URL is direct", async () => {
    await start({ projects: [{ id: projectId, branches }] });
    const target = await resolve("main");
    expect(target).toMatchObject({ branch: "main", provider: "neon" });
    expect(parseConnectionUrl(target.url)).toMatchObject({
      host: "ep-main-1.eu.neon.tech",
      port: 5432,
      database: "neondb",
      user: "neondb_owner",
      password: "p@ss:/w%rd é",
      sslmode: "require",
    });
    expect(redact(`${target.url} p@ss:/w%rd é`)).not.toMatch(/rd|é/);
    await target.release();
    await target.release();
    expect(neon.requests).toEqual([
      {
        method: "GET",
        path: `/projects/${projectId}/branches`,
        query: { search: "main", limit: "100" },
        authorization: `Bearer ${neon.apiKey}`,
      },
      {
        method: "GET",
        path: `/projects/${projectId}/connection_uri`,
        query: {
          branch_id: "br-main-a1b2c3d4",
          database_name: "neondb",
          role_name: "neondb_owner",
          pooled: "false",
        },
        authorization: `Bearer ${neon.apiKey}`,
      },
    ]);
  });

  test("by its id, and called by its name", async () => {
    await start({ projects: [{ id: projectId, branches }] });
    expect((await resolve("br-main-a1b2c3d4")).branch).toBe("main");
  });

  test("whatever characters are in the name", async () => {
    await start({ projects: [{ id: projectId, branches }] });
    expect((await resolve("café & co/ü?#%")).branch).toBe("café & co/ü?#%");
  });

  test("in another database and as another role", async () => {
    const main = emulatedBranch("main", { databases: ["shop"], roles: { shop_owner: "pw-of-the-shop" } });
    await start({ projects: [{ id: projectId, branches: [main] }] });
    const { url } = await resolve("main", { database: "shop", role: "shop_owner" });
    expect(parseConnectionUrl(url)).toMatchObject({ database: "shop", user: "shop_owner" });
  });

  test("on the last page", async () => {
    const many = Array.from({ length: 7 }, (_, i) => emulatedBranch(`main-${i}`));
    await start({ projects: [{ id: projectId, branches: [...many, emulatedBranch("main")] }], pageSize: 3 });
    expect((await resolve("main")).branch).toBe("main");
    expect(neon.requests.map(({ query }) => query.cursor ?? "-")).toEqual(["-", "Mw", "Ng", "-"]);
  });

  test("when the last page points to an empty one", async () => {
    await start({ projects: [{ id: projectId, branches }], trailingCursor: true });
    expect((await resolve("main")).branch).toBe("main");
    expect(neon.requests).toHaveLength(3);
  });

  test("when the cursors lead in a circle", async () => {
    await start();
    const page = (next: string) => ({
      body: JSON.stringify({ branches: [{ id: "br-x", name: "x" }], pagination: { next } }),
    });
    neon.fail(page("again"));
    neon.fail(page("again"));
    expect((await resolve("main")).branch).toBe("main");
    expect(neon.requests.map(({ query }) => query.cursor ?? "-")).toEqual(["-", "again", "-", "-"]);
  });

  test("when the search overlooks it", async () => {
    await start();
    neon.fail({ body: '{"branches":[]}' });
    expect((await resolve("main")).branch).toBe("main");
  });
});

describe("an unknown", () => {
  test("branch: the names that come close are told, up to five", async () => {
    const names = ["production", "prodcution", "preview-12", "preview-13", "dev"];
    await start({ projects: [{ id: projectId, branches: names.map((name) => emulatedBranch(name)) }] });
    const { code, line } = await failure("producton");
    expect(code).toBe("unknown-branch");
    expect(line).toBe(
      `harness: Neon project "${projectId}" has no branch "producton". Did you mean "production", "prodcution"? [unknown-branch]`,
    );
    const more = ["production-1", "production-2", "production-3", "production-4"].map((n) =>
      emulatedBranch(n),
    );
    neon.projects[0]?.branches.push(...more);
    expect((await failure("producton")).line.match(/"prod[^"]*-\d"|"prod\w+n"/g)).toHaveLength(6);
  });

  test("branch that resembles none: some of those that there are", async () => {
    const names = ["a", "b", "c", "d", "e", "f"].map((letter) => letter.repeat(12));
    await start({ projects: [{ id: projectId, branches: names.map((name) => emulatedBranch(name)) }] });
    const { line } = await failure("production");
    expect(line).toContain('It has "aaaaaaaaaaaa", "bbbbbbbbbbbb"');
    expect(line).toContain('"eeeeeeeeeeee" and more.');
    expect(line).not.toContain("ffffffffffff");
  });

  test("branch of a project without any", async () => {
    await start({ projects: [{ id: projectId, branches: [] }] });
    expect((await failure("main\u001b[31m")).line).toContain(
      'has no branch "main\\u001b[31m". It has no branches.',
    );
  });

  test("project", async () => {
    await start();
    const { code, line } = await failure("main", { projectId: "warm-desert-1" });
    expect(code).toBe("unknown-project");
    expect(line).toContain('Neon shows no project "warm-desert-1" to this API key: project not found. Check');
    expect(neon.requests).toHaveLength(1);
  });

  test.each(["My project", "../users", ""])("project with the impossible id '%s'", async (id) => {
    await start();
    expect((await failure("main", { projectId: id })).code).toBe("unknown-project");
    expect(neon.requests).toHaveLength(0);
  });

  test.each([
    ["database", { database: "shop" }, 'database "shop" as role "neondb_owner"', "database not found"],
    ["role", { role: "shop_owner" }, 'database "neondb" as role "shop_owner"', "role not found"],
  ])("%s", async (_, more, what, why) => {
    await start();
    const { code, line } = await failure("main", more);
    expect(code).toBe("neon-no-connection");
    expect(line).toContain(`Neon has no connection to ${what} on branch "main": ${why}. Set neon.database`);
    expect(line).toContain("neon.role");
  });

  test("compute", async () => {
    await start({ projects: [{ id: projectId, branches: [emulatedBranch("main", { compute: null })] }] });
    const { code, line } = await failure("main");
    expect(code).toBe("neon-no-connection");
    expect(line).toMatch(/no endpoint.*has a compute/);
  });
});

describe("a refused key", () => {
  test("that is wrong is not repeated", async () => {
    await start();
    const { code, line } = await failure("main", { apiKey: "wrong-key-0123456789" });
    expect(code).toBe("neon-key-refused");
    expect(line).toContain("Neon refuses the API key: these credentials open nothing. Check NEON_API_KEY;");
    expect(neon.requests).toHaveLength(1);
  });

  test("that the server repeats is still not printed", async () => {
    await start();
    const apiKey = "wrong-key-0123456789";
    neon.fail({ status: 401, message: `the key ${apiKey} (Bearer ${apiKey}) is\nunknown` });
    const { line } = await failure("main", { apiKey });
    expect(line).toContain("the key *** (Bearer ***) is unknown");
  });

  test("that may not see the project", async () => {
    await start();
    neon.fail({ status: 403 });
    const { code, line } = await failure("main");
    expect(code).toBe("neon-key-refused");
    expect(line).toContain(`for project "${projectId}"`);
  });

  test.each(["two\nlines-of-key", "key…key", "a key"])("that is no key: '%s'", async (apiKey) => {
    await start();
    expect((await failure("main", { apiKey })).code).toBe("neon-key-refused");
    expect(neon.requests).toHaveLength(0);
  });

  test("of a person who has several organizations", async () => {
    await start();
    neon.fail({ status: 400, message: "org_id is required" });
    const { code, line } = await failure("main");
    expect(code).toBe("neon-org-required");
    expect(line).toContain("key of the organization");
  });
});

describe("patience", () => {
  test("a locked project is waited for, longer each time", async () => {
    await start();
    neon.fail({ status: 423, times: 6 });
    expect((await resolve("main")).branch).toBe("main");
    expect(waits).toHaveLength(6);
    for (const [i, ms] of waits.entries()) {
      const longest = Math.min(10_000, 500 * 2 ** i);
      expect(ms).toBeGreaterThanOrEqual(longest / 2);
      expect(ms).toBeLessThanOrEqual(longest);
    }
  });

  test("but not for ever", async () => {
    await start();
    neon.fail({ status: 423, times: 1000 });
    const { code, line } = await failure("main");
    expect(code).toBe("neon-locked");
    expect(line).toContain(`Neon project "${projectId}" is busy`);
    expect(neon.requests).toHaveLength(9);
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(60_000);
  });

  test("a pause that the server asks for is kept", async () => {
    await start();
    neon.fail({ status: 429, headers: { "retry-after": "7" } });
    neon.fail({ status: 429, headers: { "retry-after": new Date(Date.now() + 30_000).toUTCString() } });
    neon.fail({ status: 429, headers: { "retry-after": "-1" }, path: "/connection_uri" });
    expect((await resolve("main")).branch).toBe("main");
    expect(waits).toHaveLength(3);
    expect(waits[0]).toBe(7_000);
    expect(waits[1]).toBeGreaterThan(27_000);
    expect(waits[1]).toBeLessThanOrEqual(30_000);
    // what cannot be read is not taken for "at once"
    expect(waits[2]).toBeGreaterThanOrEqual(250);
    expect(waits[2]).toBeLessThanOrEqual(500);
  });

  test("the pauses of a call have an end together", async () => {
    await start();
    neon.fail({ status: 429, headers: { "retry-after": "40" }, times: 1000 });
    expect((await failure("main")).code).toBe("neon-rate-limited");
    expect(waits).toEqual([40_000, 40_000]);
  });

  test("a pause beyond all patience is not begun", async () => {
    await start();
    neon.fail({ status: 429, headers: { "retry-after": "600" } });
    const { code, line } = await failure("main");
    expect(code).toBe("neon-rate-limited");
    expect(line).toContain("Try again in 600 s.");
    expect(waits).toEqual([]);
  });

  test("too many requests, again and again", async () => {
    await start();
    neon.fail({ status: 429, times: 1000 });
    expect((await failure("main")).code).toBe("neon-rate-limited");
    expect(neon.requests).toHaveLength(6);
  });

  test.each([500, 502, 503])("HTTP %d passes", async (status) => {
    await start();
    neon.fail({ status, times: 3, path: "/connection_uri" });
    expect((await resolve("main")).branch).toBe("main");
    expect(waits).toHaveLength(3);
  });

  test("HTTP 500 stays", async () => {
    await start();
    neon.fail({ status: 500, times: 1000, body: "<html>oops</html>" });
    const { code, line } = await failure("main");
    expect(code).toBe("neon-failed");
    expect(line).toContain(`Neon's API at ${neon.apiHost} answers HTTP 500. Try again later`);
    expect(neon.requests).toHaveLength(4);
  });

  test.each([400, 404, 418])("HTTP %d is final", async (status) => {
    await start();
    neon.fail({ status });
    await failure("main");
    expect(neon.requests).toHaveLength(1);
    expect(waits).toEqual([]);
  });

  test("a lost connection is made again", async () => {
    await start();
    neon.fail({ instead: "hang-up", times: 2 });
    expect((await resolve("main")).branch).toBe("main");
    expect(waits).toHaveLength(2);
  });

  test.each(["silence", "half"] as const)("%s is not waited out", async (instead) => {
    await start();
    neon.fail({ instead, times: 1000 });
    const { code, line } = await failure("main", {}, 50);
    expect(code).toBe("neon-unreachable");
    expect(line).toContain(`Neon's API at ${neon.apiHost} does not answer (time is up)`);
    expect(neon.requests).toHaveLength(3);
  });

  test("nobody there", async () => {
    await start();
    await neon.close();
    const { code, line } = await failure("main");
    expect(code).toBe("neon-unreachable");
    expect(line).toContain("(ECONNREFUSED)");
    expect(waits).toHaveLength(2);
  });
});

describe("an answer that is not Neon's", () => {
  test.each([
    ["is not JSON", "<html>sign in</html>", "something that is not JSON (application/json, 20 characters)"],
    ["has another form", '{"branches":[{"id":1,"name":"main"}]}', "branches.0.id is not string"],
    ["is a list", "[]", "branches is not"],
    ["is null", "null", "the whole is not Object"],
  ])("%s", async (_, body, why) => {
    await start();
    neon.fail({ body });
    const { code, line } = await failure("main");
    expect(code).toBe("neon-bad-answer");
    expect(line).toContain(`${neon.apiHost} does not answer like Neon's API: `);
    expect(line).toContain(why);
    expect(line).toContain("including /api/v2");
    expect(neon.requests).toHaveLength(1);
  });

  test.each([
    ["breaks off", '{"uri":"postgresql://neondb_owner:npg_AbC1dEf2GhI3@ep-x.neon.te'],
    ["is garbled", "{uri: postgresql://neondb_owner:npg_AbC1dEf2GhI3@ep-x.neon.tech/neondb}"],
    ["is a string", '"postgresql://neondb_owner:npg_AbC1dEf2GhI3@ep-x.neon.tech/neondb"'],
    ["is no Postgres URL", '{"uri":"mysql://neondb_owner:npg_AbC1dEf2GhI3@ep-x.neon.tech/neondb"}'],
    ["is no URL", '{"uri":"postgres://neondb_owner:npg_AbC1dEf2GhI3@ep-x:neon:tech/neondb"}'],
  ])("and %s does not leak the password", async (_, body) => {
    await start();
    neon.fail({ body, path: "/connection_uri" });
    const { code, line } = await failure("main");
    expect(code).toBe("neon-bad-answer");
    expect(line).not.toContain("ep-x");
  });

  test("comes from another path of the host", async () => {
    await start();
    const { code, line } = await failure("main", { apiHost: new URL(neon.apiHost).origin });
    expect(code).toBe("neon-bad-answer");
    expect(line).toContain("HTTP 404 in another form");
  });

  test("sends the key elsewhere in vain", async () => {
    await start();
    const other = await startNeonEmulator();
    neon.fail({ status: 302, headers: { location: `${other.apiHost}/projects` } });
    const { code, line } = await failure("main");
    expect(code).toBe("neon-failed");
    expect(line).toContain("HTTP 302");
    expect(other.requests).toEqual([]);
    await other.close();
  });

  test("may have more in it than today", async () => {
    await start();
    neon.fail({ body: '{"branches":[{"id":"br-main-a1b2c3d4","name":"main","new":1}],"new":{}}' });
    expect((await resolve("main")).branch).toBe("main");
  });
});

describe("the API's address", () => {
  test("may end with a slash", async () => {
    await start();
    expect((await resolve("main", { apiHost: `${neon.apiHost}/` })).branch).toBe("main");
  });

  test.each([
    "console.neon.tech",
    "ftp://console.neon.tech/api/v2",
    "https://bob:npg_AbC1dEf2GhI3@console.neon.tech/api/v2",
    "https://console.neon.tech/api/v2?key=npg_AbC1dEf2GhI3",
    "",
  ])("is not '%s'", async (apiHost) => {
    await start();
    const { code, line } = await failure("main", { apiHost });
    expect(code).toBe("malformed-neon-host");
    expect(line).toContain("as https://console.neon.tech/api/v2.");
  });
});
