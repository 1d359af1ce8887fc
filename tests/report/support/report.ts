import { countOutcomes, exitCodeOf, type Result } from "../../../harness/core/results.ts";
import type { Report } from "../../../harness/report/report.ts";

/** Everything that a name can hold to break out of a format, in names that Postgres takes (and one that it doesn't). */
export const hostileNames = [
  `public."it's ""quoted"""`,
  'public."two\nlines"',
  'public."carriage\rreturn\r\nand tab\t"',
  'public."]]>"',
  'public."a|b"',
  'public."tick ` and ``` ticks"',
  "public.\"<script>alert('x')</script>\"",
  'public."</details><!-- -->"',
  'public."x\n::error::pwned"',
  'public."100%0A::warning::pwned,title=x:y"',
  'public."t # SKIP really"',
  'public."back\\slash"',
  'public."[click](https://evil.example) ![i](x) www.evil.example @everyone #1"',
  'public."{0} {1}"',
  'public."esc \u001b[31mred\u0007 \u009b"',
  'public."turned \u202e around \u2028 \ufeff"',
  'public."half \ud800 a character"',
  'public."--! include evil.sql"',
  'public."x\n--! include evil.sql\n:DATABASE_OWNER"',
  'public."表の名前 🐘 é"',
  `public."${"n".repeat(63)}"`,
];

export function result(changes: Partial<Result> = {}): Result {
  return {
    code: "H101",
    name: "enable-row-security",
    severity: "critical",
    area: "enablement",
    outcome: "fail",
    object: "public.bookings",
    detail: "row security is disabled: authenticated has select on all rows",
    evidence:
      "begin;\nset local role authenticated;\nselect count(*) from public.bookings;  -- expected: 0\nrollback;",
    fix: "alter table public.bookings enable row level security;",
    docs: "docs/checks/H101.md",
    ...changes,
  };
}

/** A result about each hostile name, which is also in its text and its SQL. */
export function hostileResults(changes: Partial<Result> = {}): Result[] {
  return hostileNames.map((object) =>
    result({
      object,
      detail: `role reads ${object} without a tenant`,
      evidence: `select count(*) from ${object};`,
      fix: `alter table ${object} enable row level security;`,
      ...changes,
    }),
  );
}

/** One result of each outcome, then the others. */
export function everyOutcome(): Result[] {
  return [
    result({ outcome: "pass", detail: "row security is enabled", evidence: null, fix: null }),
    result({ object: "public.guests" }),
    result({
      object: "public.rooms",
      outcome: "waived",
      detail: "row security is disabled; waived until 2099-01-01 by dba: moving away",
      waiver: { source: "config", reason: "moving away", owner: "dba", expires: "2099-01-01" },
    }),
    result({
      code: "H201",
      name: "hide-foreign-rows",
      area: "probes",
      object: "database",
      outcome: "skipped",
      detail: "no tenant role can be reached",
      evidence: null,
      fix: null,
      docs: "docs/checks/H201.md",
    }),
    result({
      code: "H202",
      name: "refuse-foreign-insert",
      area: "probes",
      object: "database",
      outcome: "error",
      detail: "the check itself failed",
      evidence: null,
      fix: null,
      docs: "docs/checks/H202.md",
    }),
  ];
}

export function report(results: Result[], changes: Partial<Report["target"]> = {}): Report {
  return {
    schemaVersion: 1,
    target: {
      branch: "main",
      provider: "local",
      database: "neondb",
      user: "neondb_owner",
      superuser: false,
      inRecovery: false,
      serverVersion: "17.10",
      flavor: "neon",
      protected: false,
      ...changes,
    },
    model: {
      source: "config",
      confidence: null,
      notes: [],
      tenantColumn: "restaurant_id",
      tenantRoles: ["authenticated", "anonymous"],
      context: { claim: "activeRestaurantId", setting: "app.restaurant_id" },
      tables: [{ table: "public.bookings", tenantColumn: "restaurant_id", type: "uuid" }],
      exempt: [],
    },
    sections: [{ name: "verify", durationMs: 1234, ...countOutcomes(results) }],
    summary: { ...countOutcomes(results), tables: 1, durationMs: 1234 },
    exitCode: exitCodeOf(results, "medium"),
    results: results.map((result) => ({ section: "verify", ...result })),
  };
}

/** Neither a terminal nor colours. */
export const plain = { color: false, links: false };
