import { HarnessError } from "../../core/errors.ts";
import { isKept, readBranch } from "./branch-folder.ts";
import { readPostmaster } from "./postmaster.ts";
import { stateFolder } from "./state.ts";

export interface Description {
  name: string;
  /** `started`: explicitly; `in use`: until the commands end that use it. */
  state: "started" | "in use" | "stopped" | "damaged";
  flavor: string | null;
  pg: number | null;
  port: number | null;
}

export function describeBranch(name: string): Description {
  const damaged = { name, state: "damaged", flavor: null, pg: null, port: null } as const;
  try {
    const branch = readBranch(stateFolder(), name);
    if (!branch) return damaged;
    const { flavor, pg } = branch.record;
    const server = readPostmaster(branch.data);
    const state = server ? (isKept(branch) ? "started" : "in use") : "stopped";
    return { name, state, flavor, pg, port: server?.port ?? null };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    return damaged;
  }
}
