import type { Config } from "../config/schema.ts";
import { HarnessError } from "../core/errors.ts";
import { redact } from "../core/redaction.ts";
import { note } from "../terminal/output.ts";
import type { Target } from "./target.ts";

export interface TargetOptions {
  branch?: string | undefined;
  databaseUrl?: string | undefined;
}

/**
 * What a command works on. `--branch` and `--database-url` before DATABASE_URL, before PGHOST and its like, before the local branch main. A name belongs to Neon
 * as soon as a Neon project is configured, so that nobody verifies a local branch and believes it was production;
 * `local:NAME` and `neon:NAME` say which is meant.
 */
export async function resolveTarget(options: TargetOptions, config: Config): Promise<Target> {
  const { branch, databaseUrl } = options;
  if (databaseUrl) return urlTarget(databaseUrl);
  if (branch) return branchTarget(branch, config);
  if (process.env.DATABASE_URL) return urlTarget(process.env.DATABASE_URL);
  const { environmentTarget } = await import("./environment-url.ts");
  const named = environmentTarget(process.env);
  if (named) {
    note(`Target: ${redact(named.words)} (--branch main means the local branch)`);
    return urlTarget(named.url);
  }
  const { localTarget } = await import("./local/target.ts");
  return localTarget("main");
}

async function branchTarget(name: string, config: Config): Promise<Target> {
  const [, provider, bare = name] = /^(local|neon):(.*)$/.exec(name) ?? [];
  if (provider !== "local") {
    const { missingNeonProject, neonSettings, neonTarget, requireNeonSettings } = await import(
      "./neon/target.ts"
    );
    const settings = provider
      ? requireNeonSettings(config.neon, process.env)
      : neonSettings(config.neon, process.env);
    if (settings) return neonTarget(bare, settings);
    return localBranch(bare, missingNeonProject(config.neon, process.env));
  }
  return localBranch(bare, null);
}

/** A local branch; one that is not there may have been meant for Neon, if something about Neon is missing. */
async function localBranch(name: string, missingForNeon: string | null): Promise<Target> {
  const { localTarget } = await import("./local/target.ts");
  try {
    return await localTarget(name);
  } catch (error) {
    if (!missingForNeon || !(error instanceof HarnessError) || error.code !== "unknown-branch") throw error;
    const { code, message, hint } = error;
    throw new HarnessError({ code, message, hint: `${hint} ${missingForNeon}`, cause: error });
  }
}

async function urlTarget(url: string): Promise<Target> {
  const { parseConnectionUrl } = await import("./session/connection-url.ts");
  parseConnectionUrl(url); // says what is wrong with it before anything is begun
  return { branch: null, provider: "url", url, release: async () => undefined };
}
