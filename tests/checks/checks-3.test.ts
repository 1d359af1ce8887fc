import { proveChecks } from "../support/prove-checks.ts";

await proveChecks(3, 4);
