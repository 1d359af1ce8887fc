import * as v from "valibot";
import { parseConnectionUrl } from "../session/connection-url.ts";
import type { Target } from "../target.ts";
import { type NeonApi, neonApi } from "./api.ts";
import { findBranch, type NeonBranch } from "./branches.ts";
import { badAnswer } from "./errors.ts";
import { ordinaryPatience, type Patience } from "./patience.ts";
import type { NeonSettings } from "./settings.ts";

export { missingNeonProject, type NeonSettings, neonSettings, requireNeonSettings } from "./settings.ts";

/**
 * A branch of a Neon project by its name or id, with the direct URL of its owner role: the pooler
 * takes no start-up options and keeps no session, which migrations need.
 * @throws HarnessError `unknown-branch`, `unknown-project`, `neon-…`
 */
export async function neonTarget(
  name: string,
  settings: NeonSettings,
  patience: Patience = ordinaryPatience,
): Promise<Target> {
  const api = neonApi(settings, patience);
  const branch = await findBranch(api, settings.projectId, name);
  const url = await directUrl(api, settings, branch);
  return { branch: branch.name, provider: "neon", url, release: async () => undefined };
}

async function directUrl(api: NeonApi, settings: NeonSettings, branch: NeonBranch): Promise<string> {
  const { projectId, database = "neondb", role = "neondb_owner" } = settings;
  const { uri } = await api.get({
    path: ["projects", projectId, "connection_uri"],
    query: { branch_id: branch.id, database_name: database, role_name: role, pooled: "false" },
    schema: v.object({ uri: v.string() }),
    missing: {
      code: "neon-no-connection",
      message: `Neon has no connection to database "${database}" as role "${role}" on branch ${JSON.stringify(branch.name)}`,
      hint: "Set neon.database and neon.role in harness.config.json, and check that the branch has a compute.",
    },
  });
  try {
    // also makes the password known, so that it is printed nowhere
    parseConnectionUrl(uri);
  } catch {
    throw badAnswer(settings.apiHost ?? "Neon", "a connection URI that is no Postgres URL");
  }
  return uri;
}
