import { proveChecks } from "../support/prove-checks.ts";

await proveChecks(4, 4);
