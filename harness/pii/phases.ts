/** Of a table's roll-out, in order. */
export const phases = ["expand", "backfilled", "verified", "switched", "retiring", "retired"] as const;
export type Phase = (typeof phases)[number];
