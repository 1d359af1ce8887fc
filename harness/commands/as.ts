import { needed } from "../command-line/argument.ts";
import { command } from "../command-line/command.ts";
import { flag, option } from "../command-line/option.ts";
import { withClient } from "../command-line/session.ts";
import { json, writing } from "../command-line/shared-options.ts";
import { text } from "../command-line/values.ts";
import { note } from "../terminal/output.ts";

export default command({
  summary: 'run SQL as a tenant would, rolled back: harness as TENANT -- "select …"',
  arguments: {
    tenant: needed(text("tenant"), "the tenant's id, as the context names it"),
    sql: needed(text("sql"), "statements, run in one transaction"),
  },
  options: {
    ...writing,
    role: option(text("role"), "tenant role to run as (default: the first of the configuration)"),
    commit: flag("keep the changes"),
    ...json,
  },
  async run(options, { tenant, sql }) {
    const { requireIsolation } = await import("../config/load.ts");
    const { tenantSettings } = await import("../client/context-settings.ts");
    const { contextExpression } = await import("../isolation/context.ts");
    const { runAs } = await import("../sql/act-as/run-as.ts");
    const { describeResults, resultsAsJson } = await import("../sql/act-as/results-text.ts");
    const { commit } = options;
    return withClient(options, commit ? "writes" : "reads", "as", async ({ client, config }) => {
      const isolation = requireIsolation(config);
      const role = options.role ?? isolation.tenantRoles[0] ?? "";
      const nobody = contextExpression(isolation).replaceAll("%s", "text").replaceAll("%%", "%");
      const settings = tenantSettings(isolation, tenant);
      const answer = await runAs(client, role, sql, { settings, nobody, commit });
      // "All my queries return nothing" is most often a context that names nobody.
      if (answer.nobody) note("The context names nobody, so that no row is visible: is this a tenant's id?");
      if (!commit && !options.json) note("Rolled back (--commit keeps the changes)");
      return { json: { results: resultsAsJson(answer.results) }, text: describeResults(answer.results) };
    });
  },
});
