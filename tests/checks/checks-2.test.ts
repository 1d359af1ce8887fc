import { proveChecks } from "../support/prove-checks.ts";

await proveChecks(2, 4);
