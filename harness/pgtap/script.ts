import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { HarnessError } from "../core/errors.ts";
import { type Statement, splitStatements } from "../sql/parse/statements.ts";
import { includeLine } from "../sql/sql-file.ts";

/**
 * The statements of a test file. `\ir file` brings in another one, relative to this, as it does in psql, and is the only command of
 * psql that is understood; what it brings in counts as standing on its line.
 */
export async function readScript(path: string): Promise<Statement[]> {
  const file = relative(process.cwd(), path);
  const statements: Statement[] = [];
  let part: string[] = [];
  const flush = async (before: number) => {
    // empty lines in front keep the numbers of the lines, in errors too
    const text = "\n".repeat(before - part.length) + part.join("\n");
    statements.push(...(await splitStatements(text, file)));
    part = [];
  };
  const lines = read(path, file).split("\n");
  for (const [at, line] of lines.entries()) {
    const included = includeLine.exec(line)?.[1];
    if (!included) {
      part.push(line);
      continue;
    }
    await flush(at);
    const brought = await readScript(join(dirname(path), included));
    statements.push(...brought.map((statement) => ({ ...statement, line: at + 1 })));
  }
  await flush(lines.length);
  return statements;
}

function read(path: string, file: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const message = `${file} cannot be read: ${(cause as Error).message}`;
    throw new HarnessError({ code: "no-tests", message, hint: "Correct the path after \\ir.", cause });
  }
}
