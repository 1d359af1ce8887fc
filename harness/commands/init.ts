import { command } from "../command-line/command.ts";
import { flag } from "../command-line/option.ts";
import { withClient } from "../command-line/session.ts";
import { reading } from "../command-line/shared-options.ts";
import { note } from "../terminal/output.ts";

export default command({
  summary: "find out how a database tells tenants apart, and write it into harness.config.json",
  options: {
    stdout: flag("print it, write nothing"),
    force: flag("overwrite the file that is there"),
    ...reading,
  },
  async run({ stdout, force, ...options }) {
    const { configFile, configWith, requireNoConfig, writeConfig } = await import("../config/write.ts");
    const { describeDiscovery } = await import("../isolation/discovery/describe.ts");
    const { obtainModel } = await import("../isolation/discovery/obtain-model.ts");
    const path = configFile(options.config);
    if (!stdout && !force) requireNoConfig(path);
    // What is in the file already must not decide what is found.
    const where = { ...options, config: undefined };
    return withClient(where, "reads", "init", async ({ client, config }) => {
      const { discovery } = await obtainModel(client, { ...config, isolation: undefined });
      if (!discovery) return {};
      const text = configWith(path, discovery.isolation);
      note(describeDiscovery(discovery));
      if (stdout) return { text };
      writeConfig(path, text);
      note(`Wrote ${path}: read it through, and \`harness verify\` uses it`);
      return {};
    });
  },
});
