import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { HarnessError } from "../../core/errors.ts";
import { findUpwards } from "../../core/project.ts";
import { keepSecret } from "../../core/redaction.ts";

export interface NeonSettings {
  apiKey: string;
  projectId: string;
  /** Base URL of the API, with `/api/v2`. */
  apiHost?: string;
  /** The database on the branch; Neon's own default is `neondb`. */
  database?: string;
  /** The role to connect as; Neon's own default is `neondb_owner`. */
  role?: string;
}

/** The section `neon` of harness.config.json. Not the API's address: a cloned repository must not decide where the key is sent. */
export type NeonConfig = { [Key in keyof Omit<NeonSettings, "apiKey" | "apiHost">]?: string | undefined };

/**
 * Where branches are looked up, or null if Neon is not configured. The environment comes before the
 * config, and the config before the `.neon` file that Neon's own command line leaves in a project.
 * @throws HarnessError `malformed-neon-file`: to pass over it could mean to work on the wrong database
 */
export function neonSettings(
  config: NeonConfig | undefined,
  env: NodeJS.ProcessEnv,
  from = process.cwd(),
): NeonSettings | null {
  const apiKey = env.NEON_API_KEY?.trim();
  if (!apiKey) return null;
  keepSecret(apiKey);
  const projectId = env.NEON_PROJECT_ID?.trim() || config?.projectId || linkedProject(from);
  if (!projectId) return null;
  const apiHost = env.NEON_API_HOST?.trim();
  return {
    apiKey,
    projectId,
    ...(apiHost ? { apiHost } : {}),
    ...(config?.database ? { database: config.database } : {}),
    ...(config?.role ? { role: config.role } : {}),
  };
}

/** What keeps a user who has an API key from reaching Neon, as a sentence for a hint; null if nothing does. */
export function missingNeonProject(
  config: NeonConfig | undefined,
  env: NodeJS.ProcessEnv,
  from = process.cwd(),
): string | null {
  if (!env.NEON_API_KEY?.trim() || neonSettings(config, env, from)) return null;
  return "NEON_API_KEY is set, but no Neon project is: set NEON_PROJECT_ID, or neon.projectId in harness.config.json.";
}

/** @throws HarnessError `neon-not-configured` */
export function requireNeonSettings(
  config: NeonConfig | undefined,
  env: NodeJS.ProcessEnv,
  from = process.cwd(),
): NeonSettings {
  const settings = neonSettings(config, env, from);
  if (settings) return settings;
  throw new HarnessError({
    code: "neon-not-configured",
    message: "Neon is not configured",
    hint: missingNeonProject(config, env, from) ?? "Set NEON_API_KEY and NEON_PROJECT_ID.",
  });
}

const link = v.object({ projectId: v.nullish(v.string()) });

function linkedProject(from: string): string | null {
  const folder = findUpwards([".neon"], from);
  const path = folder && join(folder, ".neon");
  // other tools of Neon keep folders of that name
  if (!path || !statSync(path).isFile()) return null;
  try {
    return v.parse(link, JSON.parse(readFileSync(path, "utf8"))).projectId || null;
  } catch (cause) {
    throw new HarnessError({
      code: "malformed-neon-file",
      message: `${path} is not JSON with a projectId`,
      hint: "Mend or delete it, or set NEON_PROJECT_ID.",
      cause,
    });
  }
}
