#!/usr/bin/env node
// The reference dispatcher, straight from the source: `node scripts/outbox-dispatcher.ts --handler ./handler.mjs`, on a Node that
// runs TypeScript (22.18 or newer). The package has the same as `harness outbox dispatch`.
process.argv.splice(2, 0, "outbox", "dispatch");
await import("../harness/cli.ts");
