export type { TenantPool } from "./client/tenant-connection.ts";
export type { TenantContext } from "./client/tenant-context.ts";
export { type TenantOptions, type TenantQueries, withTenant } from "./client/with-tenant.ts";
export { type ErrorDetails, HarnessError } from "./core/errors.ts";
export { Dispatcher, type DispatcherOptions } from "./outbox/dispatcher.ts";
export type { Handler, HandlerContext, HandlerError, OutboxEvent } from "./outbox/event.ts";
