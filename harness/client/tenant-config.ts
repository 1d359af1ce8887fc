import * as v from "valibot";
import { readConfig, requireIsolation } from "./config-file.ts";
import { contextForm, tenantRoles } from "./context-form.ts";

/** What an application needs of the configuration; the rest of the file may be for a newer or an older command line. */
const schema = v.object({ isolation: v.optional(v.object({ tenantRoles, context: contextForm })) });

export type TenantConfig = NonNullable<v.InferOutput<typeof schema>["isolation"]>;

/** @throws HarnessError `config-unreadable`, `config-invalid`, `no-isolation-model` */
export const readTenantConfig = (file?: string): TenantConfig => requireIsolation(readConfig(schema, file));
