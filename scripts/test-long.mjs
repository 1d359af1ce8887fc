// `npm run test:long`: the randomised tests, for longer than anybody waits for `npm test`, and what they injected as a table.
// HARNESS_SEED repeats a run; --write puts the table into docs/reliability.md; files may be named.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli, prepare, root } from "./prepare.mjs";

prepare();
const write = process.argv.includes("--write");
const named = process.argv.slice(2).filter((argument) => argument !== "--write");
const seed = process.env.HARNESS_SEED ?? String(Math.floor(Math.random() * 1_000_000));
const scratch = mkdtempSync(join(tmpdir(), "harness-long-"));
const rowsFile = join(scratch, "faults.jsonl");

const { status } = spawnSync(
  process.execPath,
  [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    ...(named.length > 0 ? named : longTests()),
    "--testTimeout=600000",
    "--hookTimeout=600000",
  ],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, HARNESS_LONG: "1", HARNESS_SEED: seed, HARNESS_FAULT_TABLE: rowsFile },
  },
);
const table = tableOf(existsSync(rowsFile) ? readFileSync(rowsFile, "utf8") : "");
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`\nFaults, with HARNESS_SEED=${seed}\n\n${table}\n`);
if (write && status === 0) intoPage(table);
// `npm test` has the pgTAP suite on neon (17) and plain (15).
const branch = `test-plain-${process.pid}`;
const harness = (...args) =>
  named.length > 0 ? 0 : spawnSync(process.execPath, [cli, ...args], { cwd: root, stdio: "inherit" }).status;
harness("branch", "create", branch, "--flavor", "plain");
const pgtap = harness("test", "--branch", `local:${branch}`);
harness("branch", "delete", branch);
process.exit(status || pgtap);

/** The test files that go on for longer when HARNESS_LONG is set, or that note what they injected. */
function longTests() {
  return readdirSync(join(root, "tests"), { recursive: true })
    .map((file) => join("tests", String(file)))
    .filter((file) => file.endsWith(".test.ts"))
    .filter((file) => /HARNESS_LONG|faultRow\(/.test(readFileSync(join(root, file), "utf8")))
    .sort();
}

function tableOf(lines) {
  const rows = lines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  rows.sort((a, b) => (a.command < b.command ? -1 : a.command > b.command ? 1 : 0));
  const cell = (text) => String(text).replaceAll("|", "\\|").replaceAll("\n", " ");
  return [
    "| command | injected | times | result |",
    "|---|---|---|---|",
    ...rows.map(
      ({ command, injected, times, result }) =>
        `| ${[command, injected, times, result].map(cell).join(" | ")} |`,
    ),
  ].join("\n");
}

/** Between the two markers: the table, and the seed that repeats it. */
function intoPage(rows) {
  const page = join(root, "docs", "reliability.md");
  const [begin, end] = ["<!-- faults -->", "<!-- /faults -->"];
  const text = readFileSync(page, "utf8");
  const [before, rest] = text.split(begin);
  const after = rest.split(end)[1];
  const month = new Date().toISOString().slice(0, 10);
  writeFileSync(
    page,
    `${before}${begin}\n${rows}\n\nMeasured on ${month} with \`HARNESS_SEED=${seed} npm run test:long\`.\n${end}${after}`,
  );
}
