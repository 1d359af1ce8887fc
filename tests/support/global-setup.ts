import { spawnSync } from "node:child_process";
import type { TestProject } from "vitest/node";
import { migratedTemplate } from "../../harness/command-line/template.ts";
import { packageRoot } from "../../harness/core/project.ts";
import { createThrowawayBranch } from "../../harness/targets/local/throwaway.ts";
import { connect } from "../../harness/targets/session/connection.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Owner's URL of a throw-away branch of flavor neon, shared by all test files. */
    serverUrl: string;
    /** The bootstrap superuser's URL of the same. */
    superuserUrl: string;
    /** A database on it that is set up and migrated, to be cloned. */
    template: string;
  }
}

/** One server for the whole run, and on it one migrated template; each test file clones its own database from it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  build();
  const branch = await createThrowawayBranch({ flavor: "neon" });
  const admin = await connect(branch.ownerUrl, { purpose: "test", database: "postgres" });
  project.provide("template", await migratedTemplate(admin, branch.ownerUrl, packageRoot));
  project.provide("serverUrl", branch.ownerUrl);
  project.provide("superuserUrl", branch.superuserUrl);
  await admin.end();
  return branch.stop;
}

/** Tests of the command line run what users run: the build. */
function build(): void {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/prepare.mjs"], {
    cwd: packageRoot,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
}
