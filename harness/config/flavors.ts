/** Which platform a branch behaves like. */
export const flavors = ["neon", "supabase", "plain"] as const;
export type Flavor = (typeof flavors)[number];
