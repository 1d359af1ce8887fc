import * as v from "valibot";
import { loadConfig, requireIsolation } from "../../harness/config/load.ts";
import { configSchema } from "../../harness/config/schema.ts";
import { exitCodeOf, type Result, type Severity } from "../../harness/core/results.ts";
import { loadModel } from "../../harness/isolation/model.ts";
import { connect } from "../../harness/targets/session/connection.ts";
import { type VerifyOptions, verify } from "../../harness/verify/engine.ts";

export interface Findings {
  results: Result[];
  exitCode: number;
  /** `CODE object` of what failed, sorted. */
  failed: string[];
  /** The same of what was skipped or could not run. */
  undecided: string[];
  /** All SQL that mends, each statement once. */
  fixes: string;
}

/** Verifies a database as `harness verify` does, by default with the configuration of the reference platform. */
export async function verifyDatabase(
  url: string,
  failOn: Severity = "medium",
  config?: object,
  options: VerifyOptions = {},
): Promise<Findings> {
  const client = await connect(url, { purpose: "verify" });
  try {
    const model = await loadModel(
      client,
      requireIsolation(config ? v.parse(configSchema, config) : loadConfig()),
    );
    return findingsOf((await verify(client, model, options)).results, failOn);
  } finally {
    await client.end();
  }
}

export function findingsOf(results: Result[], failOn: Severity = "medium"): Findings {
  const named = (...outcomes: string[]) =>
    results
      .filter((result) => outcomes.includes(result.outcome))
      .map(({ code, object }) => `${code} ${object}`)
      .sort();
  const fixes = results.filter((result) => result.outcome === "fail").map((result) => result.fix ?? "");
  return {
    results,
    exitCode: exitCodeOf(results, failOn),
    failed: named("fail"),
    undecided: named("skipped", "error"),
    fixes: [...new Set(fixes)].join("\n"),
  };
}
