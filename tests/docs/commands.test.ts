import { chmodSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { globSync } from "tinyglobby";
import { afterAll, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { harness } from "../support/cli.ts";
import { projectCopy } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// Every command in a ```sh block is run as it stands, in the order of the pages below. Blocks that need something of
// the reader's own (a URL, a key) are ```text. The project is a copy with three of the pgTAP files: the whole suite has its own run.
const state = temporaryFolder();
chmodSync(state, 0o755);
const { root } = projectCopy();
const pgtapFiles = ["cross-tenant.sql", "outbox-claim.sql", "schema-rules.sql"];
for (const file of globSync("tests/pgtap/*.sql", { cwd: root }))
  if (!pgtapFiles.includes(basename(file))) rmSync(join(root, file));
const options = { env: { HARNESS_STATE: state }, cwd: root };
afterAll(async () => {
  await harness(["branch", "delete", "main"], options);
});

const pages = [
  "setup.md",
  "migrations.md",
  ...globSync(["*.md", "runbooks/*.md"], { cwd: join(packageRoot, "docs") }).sort(),
];

function commandsOf(page: string): string[][] {
  const text = readFileSync(join(packageRoot, "docs", page), "utf8");
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] as string);
  const lines = blocks.flatMap((block) => block.replaceAll("\\\n", " ").trim().split("\n"));
  return lines.map((line) => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((word) => word[1] ?? word[2] ?? ""));
}

const commands = [...new Set(pages)].flatMap((page) =>
  commandsOf(page).map((words) => ({ page, words, line: words.join(" ") })),
);

test("there are commands to run", () => {
  expect(commands.length).toBeGreaterThan(10);
});

test.each(commands)("$page: $line", async ({ words }) => {
  expect(words.slice(0, 2)).toEqual(["npx", "harness"]);
  const { status, stderr } = await harness(words.slice(2), options);
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
});
