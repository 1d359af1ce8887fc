import { command } from "../command-line/command.ts";
import { flag, option, repeatable, withOptionalValue } from "../command-line/option.ts";
import { json, writing } from "../command-line/shared-options.ts";
import { choice, path, text } from "../command-line/values.ts";
import { severities } from "../core/results.ts";

export default command({
  summary: "prove that no tenant reaches another's rows, or show the hole",
  options: {
    output: {
      ...repeatable(
        text("format[=path]"),
        "report format, repeatable: tty, json, sarif, junit, tap, github, markdown",
      ),
      short: "o",
    },
    failOn: option(
      choice("severity", severities),
      "least severity that makes the exit code 1: low, medium, high, critical",
      "medium",
    ),
    fix: withOptionalValue(
      text("where"),
      "print the SQL that mends the findings, or append it: --fix=current; applies nothing",
    ),
    baseline: option(path(), "known findings, which are not counted"),
    writeBaseline: flag("write what fails now to the --baseline file"),
    pruneBaseline: flag("remove what fails no more from the --baseline file"),
    ...json,
    ...writing,
    confirm: { ...writing.confirm, summary: "name a protected branch again, to probe it too" },
  },
  async run({ baseline, ...options }) {
    const { verify } = await import("../command-line/verify.ts");
    return { exitCode: await verify({ ...options, ...(baseline === undefined ? {} : { baseline }) }) };
  },
});
