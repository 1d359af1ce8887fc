import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { harness } from "../support/cli.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder();
const isThere = (program: string) => spawnSync(program, ["-c", "true"]).status === 0;

/** The script of a shell, in a file. */
async function scriptOf(shell: string): Promise<string> {
  const { stdout, stderr, status } = await harness(["completion", shell]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const file = join(folder, shell);
  writeFileSync(file, stdout);
  return file;
}

const lines: [line: string, offered: string[], not: string[]][] = [
  ["harness ver", ["verify"], ["apply"]],
  ["harness pii ", ["status", "erase"], ["apply", "reindex"]],
  ["harness pii advance --to ", ["expand", "retired"], ["--table"]],
  ["harness outbox re", ["replay", "reindex"], ["status"]],
  ["harness verify --fail-on h", ["high"], ["low"]],
  ["harness partitions convert t --m", ["--method", "--max-partitions"], ["--key"]],
  ["harness status --", ["--branch", "--json"], ["--confirm"]],
];

test.skipIf(!isThere("bash")).each(lines)("bash: %s", async (line, offered, not) => {
  const words = line.split(" ");
  const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _harness; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", ask, "-", await scriptOf("bash"), ...words], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(stdout.split("\n")).toEqual(expect.arrayContaining(offered));
  for (const word of not) expect(stdout.split("\n")).not.toContain(word);
});

test.skipIf(!isThere("fish")).each(lines)("fish: %s", async (line, offered, not) => {
  const ask = `source ${await scriptOf("fish")}; complete -C '${line}'`;
  const { stdout, stderr } = spawnSync("fish", ["--no-config", "-c", ask], { encoding: "utf8" });
  expect(stderr).toBe("");
  const words = stdout.split("\n").map((each) => each.split("\t")[0]);
  expect(words).toEqual(expect.arrayContaining(offered));
  for (const word of not) expect(words).not.toContain(word);
});

test.skipIf(!isThere("zsh"))("zsh reads its script, and has a function for every verb", async () => {
  const ask = `autoload -U compinit; compinit -u -d "$2"; source "$1"; print -l \${(k)functions[(I)_harness*]}; print $_comps[harness]`;
  const args = ["-f", "-c", ask, "-", await scriptOf("zsh"), join(folder, "dump")];
  const { stdout, stderr } = spawnSync("zsh", args, { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout.split("\n")).toEqual(
    expect.arrayContaining(["_harness", "_harness_verify", "_harness_pii", "_harness_pii_erase"]),
  );
});

test("a shell that it does not know", async () => {
  const { status, stderr } = await harness(["completion", "tcsh"]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^harness: shell "tcsh" is not one of bash, fish, zsh\. .*\[bad-option\]\n$/);
});

test.skipIf(!isThere("groff") && spawnSync("groff", ["--version"]).status !== 0)(
  "the manual page is one that groff has nothing to say about",
  () => {
    const page = join(packageRoot, "docs/man/harness.1");
    const { stdout, stderr } = spawnSync("groff", ["-man", "-Tutf8", "-P-cbou", "-ww", page], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(stdout).toContain("harness pii erase");
  },
);
