import { proveChecks } from "../support/prove-checks.ts";

await proveChecks(1, 4);
