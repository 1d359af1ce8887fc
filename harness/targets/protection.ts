import type { Config } from "../config/schema.ts";
import { HarnessError } from "../core/errors.ts";
import { parseConnectionUrl } from "./session/connection-url.ts";
import type { Target } from "./target.ts";

/** Names by which a target can be protected: its branch, its database, its host. */
function namesOf({ branch, url }: Target): string[] {
  const { host, database } = parseConnectionUrl(url);
  return [branch, database, host].filter((name): name is string => Boolean(name));
}

/** The name under which the configuration protects this target, or null. */
export function protectedAs(target: Target, { protected: patterns }: Config): string | null {
  const matchers = patterns.map((p) => new RegExp(`^${p.split("*").map(escapePattern).join(".*")}$`));
  return namesOf(target).find((name) => matchers.some((matcher) => matcher.test(name))) ?? null;
}

/** @throws HarnessError `protected-branch` unless the protected name is given once more */
export function requireWritable(target: Target, config: Config, confirm: string | undefined): void {
  const name = protectedAs(target, config);
  if (!name || confirm === name) return;
  throw new HarnessError({
    code: "protected-branch",
    message: `${name} is protected: nothing is written to it unless it is named again`,
    hint: `If you mean it, add --confirm ${name}.`,
  });
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
