import pg from "pg";

/** The statements that make a transaction one of a background job: the role, and the name without which the role sees nothing. */
export function becomeJob(name: string): string {
  return `set local role app_background; select tenancy.set_job(${pg.escapeLiteral(name)});`;
}
