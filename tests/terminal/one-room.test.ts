import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";

test("stdout and colours are used in harness/terminal/ alone", () => {
  const files = globSync("harness/**/*.ts", { cwd: packageRoot, ignore: "harness/terminal/**" });
  const users = files.filter((file) =>
    /process\.stdout|console\.(log|info)|"picocolors"/.test(readFileSync(join(packageRoot, file), "utf8")),
  );
  expect(users).toEqual([]);
});

const { url, client } = await testDatabase();
// something that wants attention
await client.query("create table public.visits (at timestamptz not null) partition by range (at)");
const commands: [string, string[]][] = [
  ["setup --check", ["setup", "--check", "--database-url", url]],
  ["status", ["status", "--database-url", url]],
  ["pii status", ["pii", "status", "--database-url", url]],
  ["outbox status", ["outbox", "status", "--database-url", url]],
  ["partitions status", ["partitions", "status", "--database-url", url]],
  ["verify", ["verify", "--database-url", url]],
  ["explain", ["explain", "4a"]],
];

test.each(commands)(
  "%s: a pipe gets no colours in CI, and gets them where they are forced",
  async (_, args) => {
    const ci = await harness(args, { env: { NO_COLOR: "", CI: "true" } });
    expect(ci.stdout).not.toBe("");
    expect(ci.stdout).not.toContain("\u001b[");
    const forced = await harness(args, { env: { NO_COLOR: "", FORCE_COLOR: "1" } });
    expect(forced.stdout).toContain("\u001b[");
  },
);

test("whoever reads may stop early", async () => {
  const child = spawn(process.execPath, [join(packageRoot, "dist", "cli.js"), "explain"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const status = await new Promise((resolve) => child.on("close", resolve));
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
