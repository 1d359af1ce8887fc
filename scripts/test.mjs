// `npm test`: every test, on servers of its own. Ends with the line `N passed, N failed`.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepare, root } from "./prepare.mjs";

prepare();
const { $ } = await import("zx");
const scratch = mkdtempSync(join(tmpdir(), "harness-test-"));
const run = $({ cwd: root, verbose: false, nothrow: true });
let passed = 0;
let failed = 0;

const only = process.argv.slice(2);
await vitest();
// Flavor plain: tests/e2e/somebody-elses-server.test.ts, on PostgreSQL 15; on 17, `npm run test:long`.
if (only.length === 0) await pgtap("neon");
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 ? 1 : 0);

async function vitest() {
  const report = join(scratch, "vitest.json");
  const { exitCode } = await run({
    stdio: "inherit",
  })`node node_modules/vitest/vitest.mjs run ${only} --reporter=default --reporter=json --outputFile.json=${report}`;
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(report, "utf8"));
    passed += numPassedTests;
    // a file that could not even be loaded has no failed test, and has failed
    failed += Math.max(numFailedTests, numFailedTestSuites > 0 || exitCode !== 0 ? 1 : 0);
  } catch {
    failed++;
  }
}

/** The isolation tests through our own runner, on a throw-away branch. */
async function pgtap(flavor) {
  const name = `test-${flavor}-${process.pid}`;
  const created = await run`node dist/cli.js branch create ${name} --flavor ${flavor}`;
  const { exitCode, stdout, stderr } = await run`node dist/cli.js test --branch ${`local:${name}`}`;
  await run`node dist/cli.js branch delete ${name}`;
  const counts = /^# (\d+) passed, (\d+) failed$/m.exec(stdout);
  process.stdout.write(
    exitCode === 0
      ? `\npgTAP on ${flavor}: ${counts?.[1]} assertions passed\n`
      : `${created.stderr}${stdout}${stderr}`,
  );
  passed += Number(counts?.[1] ?? 0);
  failed += Math.max(Number(counts?.[2] ?? 0), exitCode === 0 ? 0 : 1);
}
