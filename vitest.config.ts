import { configDefaults, defineConfig } from "vitest/config";

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
    maxWorkers: 2,
  },
});
