import * as v from "valibot";
import { HarnessError } from "../../core/errors.ts";
import type { NeonApi } from "./api.ts";
import { nearestNames } from "./nearest-names.ts";

export interface NeonBranch {
  id: string;
  name: string;
}

const branchPage = v.object({
  branches: v.array(v.object({ id: v.string(), name: v.string() })),
  pagination: v.nullish(v.object({ next: v.nullish(v.string()) })),
});

/** As many as every version of the API allows in one page. */
const pageSize = "100";
/** Enough for a suggestion; the most recently changed branches come first. */
const suggestionPages = 5;
/** Ends a listing whose cursors lead in a circle. */
const endlessPages = 200;

/**
 * The branch of that id or name.
 * @throws HarnessError `unknown-branch`, with the names that come close
 */
export async function findBranch(api: NeonApi, projectId: string, wanted: string): Promise<NeonBranch> {
  const pick = (branches: NeonBranch[]) =>
    branches.find(({ id }) => id === wanted) ?? branches.find(({ name }) => name === wanted);
  // the search finds parts of names and of ids
  const found = pick(await listBranches(api, projectId, { search: wanted }, endlessPages));
  if (found) return found;
  const recent = await listBranches(api, projectId, {}, suggestionPages);
  const overlooked = pick(recent);
  if (overlooked) return overlooked;
  throw unknownBranch(
    projectId,
    wanted,
    recent.map(({ name }) => name),
  );
}

async function listBranches(
  api: NeonApi,
  projectId: string,
  query: Record<string, string>,
  pages: number,
): Promise<NeonBranch[]> {
  const branches: NeonBranch[] = [];
  let cursor = "";
  for (let page = 0; page < pages; page++) {
    const answer = await api.get({
      path: ["projects", projectId, "branches"],
      query: { limit: pageSize, ...query, ...(cursor ? { cursor } : {}) },
      schema: branchPage,
      missing: {
        code: "unknown-project",
        message: `Neon shows no project "${projectId}" to this API key`,
        hint: "Check NEON_PROJECT_ID (or neon.projectId in harness.config.json, or .neon), and whose key NEON_API_KEY is.",
      },
    });
    branches.push(...answer.branches);
    const next = answer.pagination?.next;
    // a cursor also comes with the last page
    if (!next || next === cursor || answer.branches.length === 0) break;
    cursor = next;
  }
  return branches;
}

function unknownBranch(projectId: string, wanted: string, names: string[]): HarnessError {
  const list = (some: string[]) => some.map((name) => JSON.stringify(name)).join(", ");
  const near = nearestNames(wanted, names, 5);
  const others = `It has ${list(names.slice(0, 5))}${names.length > 5 ? " and more" : ""}.`;
  return new HarnessError({
    code: "unknown-branch",
    message: `Neon project "${projectId}" has no branch ${JSON.stringify(wanted)}`,
    hint: near.length > 0 ? `Did you mean ${list(near)}?` : names.length > 0 ? others : "It has no branches.",
  });
}
