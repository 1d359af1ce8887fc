import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * What takes longest, so that it is begun first and no worker has it left when the others are done. A file that is missing here is only
 * begun later; the figures are in the report that `npm test` prints.
 */
const longest = [
  "bench/command",
  "hostile/hostile",
  "verify/broken-tables",
  "discovery/schemas",
  "checks/",
  "e2e/somebody-elses-server",
  "commands/verify-reports",
  "partitions/",
  "local/sharing",
  "docs/commands",
  "pii/",
  "setup/setup",
  "outbox/",
  "verify/",
  "migrate/",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((name) => moduleId.includes(`/tests/${name}`));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // `npm run test:long` does these
    exclude: [
      ...configDefaults.exclude,
      ...(process.env.HARNESS_LONG === undefined ? ["tests/**/*.long.test.ts"] : []),
    ],
    globalSetup: ["tests/support/global-setup.ts"],
    // real servers on two cores: generous limits, since a slow machine is not a failure
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    // one more than there are cores: many tests wait for a lock, a lease or a process to end
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
  },
});
