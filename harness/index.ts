export { type ErrorDetails, HarnessError } from "./core/errors.ts";
export type { TenantPool } from "./tenancy/tenant-connection.ts";
export type { TenantContext } from "./tenancy/tenant-context.ts";
export { type TenantOptions, type TenantQueries, withTenant } from "./tenancy/with-tenant.ts";
