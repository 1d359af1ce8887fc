import type { LocalBranch } from "./branch-folder.ts";

/** Password included: never print it unasked. */
export function ownerUrl({ record }: LocalBranch, port: number): string {
  return url(record.owner, record.passwords.owner, port, record.database);
}

/** For tests that have to stand above the owner; no command uses it. */
export function superuserUrl({ record }: LocalBranch, port: number): string {
  return url(record.superuser, record.passwords.superuser, port, record.database);
}

function url(role: string, password: string, port: number, database: string): string {
  return `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}
