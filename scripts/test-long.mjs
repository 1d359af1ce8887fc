// `npm run test:long`: the randomised tests, for longer than anybody waits for `npm test`. HARNESS_SEED repeats a run.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { cli, prepare, root } from "./prepare.mjs";

prepare();
// Every file of this name, and those that only go on for longer.
const files =
  process.argv.length > 2
    ? process.argv.slice(2)
    : [
        ".long.test.ts",
        "tests/partitions/convert-kill.test.ts",
        "tests/partitions/rotate-kill.test.ts",
        "tests/pii/faults.test.ts",
        "tests/outbox/columns.test.ts",
      ];
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/vitest/vitest.mjs"), "run", ...files, "--testTimeout=600000"],
  { cwd: root, stdio: "inherit", env: { ...process.env, HARNESS_LONG: "1" } },
);
// `npm test` has the pgTAP suite on neon (17) and plain (15).
const branch = `test-plain-${process.pid}`;
const harness = (...args) =>
  process.argv.length > 2
    ? 0
    : spawnSync(process.execPath, [cli, ...args], { cwd: root, stdio: "inherit" }).status;
harness("branch", "create", branch, "--flavor", "plain");
const pgtap = harness("test", "--branch", `local:${branch}`);
harness("branch", "delete", branch);
process.exit(status || pgtap);
