import * as v from "valibot";

const identifier = v.pipe(
  v.string(),
  v.nonEmpty("a name is missing"),
  v.maxLength(63, "a Postgres name has at most 63 bytes"),
);
const reason = v.pipe(v.string(), v.minLength(3, "a reason is missing"));

const context = v.pipe(
  v.strictObject({
    claim: v.optional(identifier),
    setting: v.optional(v.pipe(v.string(), v.regex(/^\w+\.\w+$/, "a setting has the form prefix.name"))),
    expression: v.optional(v.string()),
  }),
  v.check(({ claim, setting }) => Boolean(claim ?? setting), "name a claim, a setting or both"),
);

/** harness.config.json. Its JSON Schema is docs/schemas/harness.config.schema.json. */
export const configSchema = v.strictObject({
  $schema: v.optional(v.string()),
  isolation: v.optional(
    v.strictObject({
      /** Schemas whose tables hold tenants' rows. */
      schemas: v.optional(v.pipe(v.array(identifier), v.nonEmpty("name at least one schema")), ["public"]),
      /** The column that says whose row it is, in every table that has it. */
      tenantColumn: identifier,
      /** Roles that queries run as on a tenant's behalf. */
      tenantRoles: v.pipe(v.array(identifier), v.nonEmpty("name at least one role")),
      /** How a session says which tenant it is. */
      context,
      /** Tables in which the tenant column has another name, by schema.table. */
      tables: v.optional(v.record(v.string(), v.strictObject({ tenantColumn: identifier })), {}),
      /** Tables that are shared on purpose, by schema.table, each with the reason. */
      exempt: v.optional(v.record(v.string(), reason), {}),
    }),
  ),
  /** Branches (names, or patterns with *) that are written to only if they are named again with --confirm. */
  protected: v.optional(v.array(v.string()), []),
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
