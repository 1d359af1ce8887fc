import * as v from "valibot";

export const identifier = v.pipe(
  v.string(),
  v.nonEmpty("a name is missing"),
  v.maxLength(63, "a Postgres name has at most 63 bytes"),
);
/** Roles that queries run as on a tenant's behalf. */
export const tenantRoles = v.pipe(v.array(identifier), v.nonEmpty("name at least one role"));

const settingName = v.pipe(v.string(), v.regex(/^\w+(\.\w+)+$/, "a setting has the form prefix.name"));

/** How a session says which tenant it is: the part `isolation.context` of harness.config.json. */
export const contextForm = v.pipe(
  v.strictObject({
    /** The claim that names the tenant. */
    claim: v.optional(v.pipe(v.string(), v.nonEmpty("a name is missing"))),
    /** The claims it lies in, from the outermost: `["app_metadata"]`. */
    claimWithin: v.optional(v.array(v.string())),
    /** The setting that holds the claims, if it is not request.jwt.claims. */
    claimsSetting: v.optional(settingName),
    /** Further claims of every session of a tenant, such as its role. */
    claims: v.optional(v.record(v.string(), v.string())),
    /** The setting that names the tenant. */
    setting: v.optional(settingName),
    /** The claim or setting holds a list of tenants. */
    list: v.optional(v.boolean()),
    /** SQL for the tenant of the context. */
    expression: v.optional(v.string()),
    /** The context names a user; this table says which tenants' rows are theirs. */
    membership: v.optional(v.strictObject({ table: v.string(), member: identifier, tenant: identifier })),
  }),
  v.check(({ claim, setting }) => Boolean(claim ?? setting), "name a claim, a setting or both"),
);

export type ContextForm = v.InferOutput<typeof contextForm>;
