// The package's export `harness/client`: what applications import. It knows nothing of the command line.
export { type ErrorDetails, HarnessError } from "../core/errors.ts";
export { Dispatcher } from "./dispatcher/dispatcher.ts";
export type { Handler, HandlerContext, HandlerError, OutboxEvent } from "./dispatcher/event.ts";
export { Metrics, serveMetrics } from "./dispatcher/metrics.ts";
export type { DispatcherOptions } from "./dispatcher/options.ts";
export { surviveStrayErrors } from "./dispatcher/stray-errors.ts";
export type { TenantPool } from "./tenant-connection.ts";
export type { TenantContext } from "./tenant-context.ts";
export { type TenantOptions, type TenantQueries, withTenant } from "./with-tenant.ts";
