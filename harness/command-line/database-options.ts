import type { TargetOptions } from "../targets/resolve.ts";

/** Options that every command on a database takes. */
export interface DatabaseOptions extends TargetOptions {
  config?: string | undefined;
  /** The protected branch's name, once more. */
  confirm?: string | undefined;
  json?: boolean | undefined;
}
