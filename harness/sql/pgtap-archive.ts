import { dirname, join } from "node:path";
import { HarnessError } from "../core/errors.ts";
import { findOptional, howToInstall } from "../core/optional-package.ts";

const name = "@electric-sql/pglite-pgtap";

/**
 * pgTAP as an archive of plain SQL, whose paths begin with `share/postgresql/extension/`.
 * @throws HarnessError `no-pgtap`
 */
export function pgtapArchive(): string {
  const entry = findOptional(name);
  if (entry) return join(dirname(entry), "pgtap.tar.gz");
  throw new HarnessError({
    code: "no-pgtap",
    message: `pgTAP is not there: neither does the server offer it, nor is the package ${name} installed`,
    hint: `Install it: ${howToInstall(name)}`,
  });
}
