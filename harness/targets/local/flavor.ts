import { HarnessError } from "../../core/errors.ts";
import { readSqlFolder } from "../../sql/sql-file.ts";
import { defaultPackage } from "./server-package.ts";

/** How a platform sets a new database up: one SQL file, run once by the bootstrap superuser. */
export interface LocalFlavor {
  name: string;
  superuser: string;
  owner: string;
  database: string;
  /** Whether its servers carry the extensions of a managed platform (harness/targets/local/extensions, pgTAP). */
  extended: boolean;
  sql: string;
}

/** @throws HarnessError `unknown-flavor`, naming those that there are. */
export function findFlavor(name: string): LocalFlavor {
  const files = readSqlFolder("harness/targets/local/flavors");
  const file = files.find((candidate) => candidate.name === name);
  if (!file) {
    throw new HarnessError({
      code: "unknown-flavor",
      message: `there is no local flavor "${name}"`,
      hint: `Choose one of ${files.map((f) => f.name).join(", ")}.`,
    });
  }
  const { superuser = "", owner = "", database = "", extensions } = file.header;
  return { name, superuser, owner, database, extended: extensions !== undefined, sql: file.text };
}

/** A server of this flavor carries our extensions; one from another package is somebody else's, and carries its own. */
export function carriesExtensions(flavor: string, packageName: string): boolean {
  return packageName === defaultPackage && findFlavor(flavor).extended;
}
