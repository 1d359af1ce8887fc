import * as v from "valibot";
import { contextForm, identifier, tenantRoles } from "../client/context-form.ts";

const reason = v.pipe(v.string(), v.minLength(3, "a reason is missing"));

const isolation = v.pipe(
  v.strictObject({
    /** Schemas whose tables hold tenants' rows. */
    schemas: v.optional(v.pipe(v.array(identifier), v.nonEmpty("name at least one schema")), ["public"]),
    /** The column that says whose row it is, in every table that has it. Empty if only `tables` says so. */
    tenantColumn: v.optional(v.pipe(v.string(), v.maxLength(63, "a Postgres name has at most 63 bytes")), ""),
    /** Roles that queries run as on a tenant's behalf. */
    tenantRoles,
    /** How a session says which tenant it is. */
    context: contextForm,
    /** Tables in which the tenant column has another name, or is compared with another context, by schema.table. */
    tables: v.optional(
      v.record(v.string(), v.strictObject({ tenantColumn: identifier, context: v.optional(contextForm) })),
      {},
    ),
    /** Tables that are shared on purpose, by schema.table, each with the reason. */
    exempt: v.optional(v.record(v.string(), reason), {}),
  }),
  v.check(
    ({ tenantColumn, tables }) => tenantColumn !== "" || Object.keys(tables).length > 0,
    "name the tenantColumn, or the tables with theirs",
  ),
);

const day = v.pipe(
  v.string(),
  v.isoDate("a date is written YYYY-MM-DD"),
  v.check((text) => {
    const date = new Date(`${text}T00:00:00Z`);
    return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
  }, "there is no such day"),
);

const waiver = v.strictObject({
  /** The check, by its code or name. */
  code: v.pipe(v.string(), v.nonEmpty("a code is missing")),
  /** The object as a finding names it; `*` stands for anything. */
  object: v.pipe(v.string(), v.nonEmpty("an object is missing")),
  /** Why the finding is accepted. */
  reason,
  /** Who answers for that. */
  owner: v.pipe(v.string(), v.nonEmpty("an owner is missing")),
  /** The last day (UTC) on which the waiver counts. */
  expires: day,
});

/** harness.config.json. Its JSON Schema is docs/schemas/harness.config.schema.json. */
export const configSchema = v.strictObject({
  $schema: v.optional(v.string()),
  isolation: v.optional(isolation),
  /** Findings of `verify` that are accepted for a while. */
  waivers: v.optional(v.array(waiver), []),
  /** Branches (names, or patterns with *) that are written to only if they are named again with --confirm. */
  protected: v.optional(v.array(v.string()), []),
  /** What `setup` may do on a database that is not of its making. */
  setup: v.optional(
    v.strictObject({
      /** Schemas whose tables it grants on without being told `--yes`. */
      schemas: v.pipe(
        v.array(v.literal("public", "setup knows the schema public only")),
        v.nonEmpty("name at least one schema"),
      ),
    }),
  ),
  neon: v.optional(
    v.strictObject({
      projectId: v.optional(v.string()),
      database: v.optional(v.string()),
      role: v.optional(v.string()),
    }),
  ),
});

export type Config = v.InferOutput<typeof configSchema>;
export type Isolation = NonNullable<Config["isolation"]>;
export type TenantContext = Isolation["context"];
