import type { Isolation } from "../../config/schema.ts";
import type { LockedTable } from "./locked.ts";

export type Confidence = "high" | "medium" | "low";

/** How sure one part of the inferred model is, and why, in one sentence. */
export interface Certainty {
  confidence: Confidence;
  reason: string;
}

/** The isolation model of a database never seen before. */
export interface Discovery {
  isolation: Isolation;
  /** The least of the parts. */
  confidence: Confidence;
  tenantColumn: Certainty;
  context: Certainty;
  tenantRoles: Certainty;
  /** Roles that own tenant tables. */
  owners: string[];
  /** Roles that no policy applies to. */
  bypassRoles: string[];
  /** Roles that every policy naming them lets through without a condition. */
  staffRoles: string[];
  /** Tables of the same schemas in which no tenant column was found. They are not exempt. */
  withoutTenantColumn: string[];
  /** Tables whose policies could not be read, and who has them locked. */
  locked: LockedTable[];
  /** What a reader has to know, a sentence each. */
  notes: string[];
}

/** A row of tables.sql. */
export interface FoundTable {
  oid: string;
  schema: string;
  name: string;
  /** `schema.table`, as the configuration has it. */
  plainName: string;
  /** Qualified, and quoted where needed. */
  relation: string;
  rowSecurity: boolean;
  isPartition: boolean;
  policies: number;
  column: string | null;
  type: string | null;
  /** What says that this is the tenant column; null if there is none. */
  source: "policy" | "name" | "foreign key" | "key of tenants" | "guess" | "user by name" | "parent" | null;
  /** The column is the whole primary key. */
  isKey: boolean;
  context: {
    claim?: string[];
    claimsSetting?: string;
    setting?: string;
    list?: boolean;
  };
  membership: { table: string; member: string; tenant: string } | null;
  /** The tenant table that it is a detail of, and the column there that its tenant column refers to. */
  parent: { table: string; key: string } | null;
  readsRole: boolean;
  readsUser: boolean;
}

/** A row of roles.sql. */
export interface FoundRole {
  name: string;
  login: boolean;
  bypass: boolean;
  named: boolean;
  policies: number;
  owner: boolean;
  ownsByMembership: boolean;
  staff: boolean;
}

export function least(...certainties: Certainty[]): Confidence {
  const order: Confidence[] = ["low", "medium", "high"];
  return order.find((level) => certainties.some(({ confidence }) => confidence === level)) ?? "low";
}
