// `npm run test:long`: the randomised tests, for longer than anybody waits for `npm test`. HARNESS_SEED repeats a run.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { prepare, root } from "./prepare.mjs";

prepare();
// Every file of this name, and those that only go on for longer.
const files =
  process.argv.length > 2
    ? process.argv.slice(2)
    : [".long.test.ts", "tests/partitions/convert-kill.test.ts", "tests/pii/faults.test.ts"];
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/vitest/vitest.mjs"), "run", ...files, "--testTimeout=600000"],
  { cwd: root, stdio: "inherit", env: { ...process.env, HARNESS_LONG: "1" } },
);
process.exit(status ?? 1);
