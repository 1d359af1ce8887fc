import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { harness } from "../support/cli.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const server = new URL(inject("serverUrl"));
const secret = "s3cr/t@%word";

/** The server's URL with changes. */
function url(changes: Partial<Pick<URL, "username" | "password" | "host" | "pathname">>): string {
  return Object.assign(new URL(server), changes).href;
}

const folder = temporaryFolder();
let files = 0;

function config(text: string): string {
  const file = join(folder, `${++files}.json`);
  writeFileSync(file, text);
  return file;
}

const cases: [what: string, args: string[], code: string][] = [
  [
    "no server",
    ["verify", "--database-url", `postgres://u:${encodeURIComponent(secret)}@127.0.0.1:1/x`],
    "connection-refused",
  ],
  [
    "an unknown host",
    ["verify", "--database-url", `postgres://u:${encodeURIComponent(secret)}@nowhere.invalid/x`],
    "unknown-host",
  ],
  [
    "a wrong password",
    ["verify", "--database-url", url({ password: encodeURIComponent(secret) })],
    "wrong-password",
  ],
  ["an unknown database", ["verify", "--database-url", url({ pathname: "/nowhere" })], "unknown-database"],
  ["an unknown branch", ["verify", "--branch", "local:nowhere"], "unknown-branch"],
  ["a branch name that is a path", ["verify", "--branch", "local:../../etc"], "bad-branch-name"],
  [
    "a database without our migrations",
    ["verify", "--database-url", url({ pathname: "/postgres" })],
    "unknown-table",
  ],
  ["a malformed URL", ["verify", "--database-url", `postgres://u:${secret}@h/x`], "malformed-url"],
  ["a URL of something else", ["setup", "--database-url", "mysql://u:p@h/x"], "malformed-url"],
  [
    "no tenant tables",
    [
      "verify",
      "--database-url",
      url({ pathname: "/postgres" }),
      "--config",
      config('{"isolation":{"tenantColumn":"nope","tenantRoles":["authenticated"],"context":{"claim":"c"}}}'),
    ],
    "no-tenant-tables",
  ],
  ["a configuration that is not JSON", ["verify", "--config", config("{")], "config-unreadable"],
  ["a configuration that is not there", ["verify", "--config", "/nowhere.json"], "config-unreadable"],
  [
    "a configuration without a model",
    ["verify", "--database-url", server.href, "--config", config("{}")],
    "no-isolation-model",
  ],
  ["an unknown report format", ["verify", "-o", "xml"], "unknown-format"],
  ["an unknown severity", ["verify", "--fail-on", "dreadful"], "bad-option"],
  ["a pgTAP file that is not there", ["test", "nowhere.sql"], "no-tests"],
  [
    "a file that cannot be written",
    ["verify", "--database-url", url({ pathname: `/${inject("template")}` }), "-o", "json=/nowhere/x.json"],
    "report-not-written",
  ],
  [
    "a pooled URL for migrations",
    ["apply", "--database-url", "postgres://u:p@ep-a-pooler.x.invalid/d"],
    "pooled-url",
  ],
];

test.each(cases)("%s: one line, exit code 2, no stack, no password", async (_, args, code) => {
  const { status, stderr, stdout } = await harness(args);
  expect(stderr).toMatch(new RegExp(`^harness: [^\\n]+\\. [^\\n]+ \\[${code}\\]\\n$`));
  expect(status).toBe(2);
  for (const form of [secret, encodeURIComponent(secret), decodeURIComponent(server.password)]) {
    expect(stderr + stdout).not.toContain(form);
  }
  expect(stderr).not.toMatch(/\n\s+at /);
});

test("a wrong key in the configuration is named by its path", async () => {
  const file = config(
    '{"isolation":{"tenantColumn":"a","tenantRoles":["b"],"context":{"claim":"c"},"tables":{"public.x":{"column":"y"}}}}',
  );
  const { status, stderr } = await harness(["verify", "--config", file]);
  expect(stderr).toContain("isolation.tables.public.x");
  expect(status).toBe(2);
});

test("--debug shows the stack and the causes, and still no password", async () => {
  const { stderr } = await harness([
    "verify",
    "--debug",
    "--database-url",
    url({ password: encodeURIComponent(secret) }),
  ]);
  expect(stderr).toMatch(/\n\s+at /);
  expect(stderr).not.toContain(secret);
  expect(stderr).not.toContain(encodeURIComponent(secret));
});

test("a mistyped command is a usage error", async () => {
  const { status, stderr } = await harness(["verfy"]);
  expect(status).toBe(2);
  expect(stderr).toContain("verify");
});

test("a role without rights is told what it lacks and who has it", async () => {
  const { status, stderr } = await harness(["setup", "--database-url", url({ pathname: "/postgres" })], {});
  // the owner may set up its own databases; in `postgres`, which belongs to the superuser, it may not
  expect(status).toBe(2);
  expect(stderr).toMatch(/\[extension-not-installable\]\n$/);
});

test("a protected branch is written to only if it is named again", async () => {
  const file = config('{"protected":["test_*"]}');
  const target = url({ pathname: "/test_nothing" });
  for (const command of [["setup"], ["apply"], ["bench"], ["test"]]) {
    const { status, stderr } = await harness([...command, "--database-url", target, "--config", file]);
    expect(stderr).toContain("[protected-branch]");
    expect(stderr).toContain("--confirm test_nothing");
    expect(status).toBe(2);
  }
});
