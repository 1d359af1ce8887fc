export { type ErrorDetails, HarnessError } from "./core/errors.ts";
export { Dispatcher, type DispatcherOptions } from "./outbox/dispatcher.ts";
export type { Handler, HandlerContext, HandlerError, OutboxEvent } from "./outbox/event.ts";
export type { TenantPool } from "./tenancy/tenant-connection.ts";
export type { TenantContext } from "./tenancy/tenant-context.ts";
export { type TenantOptions, type TenantQueries, withTenant } from "./tenancy/with-tenant.ts";
