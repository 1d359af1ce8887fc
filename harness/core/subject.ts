/** What a report is about. */
export interface Subject {
  target: {
    /** Null: a URL. */
    branch: string | null;
    provider: string;
    database: string;
    user: string;
    superuser: boolean;
    inRecovery: boolean;
    serverVersion: string;
    flavor: string;
    protected: boolean;
  };
  /** Null where isolation was not asked about. */
  model: {
    source: "config" | "discovered";
    /** How sure discovery is; null if the configuration said it. */
    confidence: "high" | "medium" | "low" | null;
    notes: string[];
    /** Empty if each table has its own. */
    tenantColumn: string;
    tenantRoles: string[];
    context: { claim: string | null; setting: string | null };
    tables: { table: string; tenantColumn: string; type: string }[];
    exempt: { table: string; reason: string }[];
  } | null;
}
