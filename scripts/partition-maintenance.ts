#!/usr/bin/env node
// What cron runs, straight from the source: `node scripts/partition-maintenance.ts --branch production --confirm production`, on a Node that
// runs TypeScript (22.18 or newer). Partitions ahead, expired ones away, finished events archived; exit code 1 if something could not be
// done. The package has the same as `harness partitions maintain`.
process.argv.splice(2, 0, "partitions", "maintain");
await import("../harness/cli.ts");
