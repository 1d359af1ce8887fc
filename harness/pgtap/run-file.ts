import { readFileSync } from "node:fs";
import { relative } from "node:path";
import pg, { type Client } from "pg";
import { Parser } from "tap-parser";
import { HarnessError } from "../core/errors.ts";
import type { Statement } from "../sql/parse/statements.ts";
import { beginStatement } from "../sql/transaction.ts";
import { installPgtap, tapSchema } from "./install.ts";
import { readScript } from "./script.ts";

export interface Assertion {
  ok: boolean;
  description: string;
  /** Line of the file whose statement made the assertion. */
  line: number;
  diagnostics: string[];
  /** `# SKIP` or `# TODO`, with the reason. */
  directive: string | null;
}

export interface FileResult {
  file: string;
  assertions: Assertion[];
  durationMs: number;
  /** Why nothing of it was run. */
  skipped?: string;
}

const fileTimeoutMs = 120_000;

/**
 * Runs one pgTAP file in one transaction, which is rolled back whatever the file itself says.
 * @throws HarnessError `no-pgtap`
 */
export async function runFile(client: Client, path: string, shared = false): Promise<FileResult> {
  const started = performance.now();
  const file = relative(process.cwd(), path);
  const tap = new TapReader();
  await client.query(
    beginStatement("read write", { statementTimeoutMs: fileTimeoutMs, lockTimeoutMs: 10_000 }),
  );
  try {
    const occupied = shared ? await occupiedTable(client, path) : null;
    if (occupied) {
      const skipped = `it counts rows of ${occupied}, and this database has some of its own: without --in-place it runs on a copy`;
      return { file, assertions: [], durationMs: performance.now() - started, skipped };
    }
    await installPgtap(client);
    await client.query(
      `set local search_path = public, ${tapSchema}; set local client_min_messages = warning`,
    );
    for (const statement of await readScript(path)) {
      if (statement.kind === "rollback") break;
      if (statement.kind !== "begin") await runStatement(client, statement, file, tap);
    }
  } catch (error) {
    if (!isOfTheFile(error)) throw error;
    tap.fail(error);
  } finally {
    await client.query("rollback").catch(() => undefined);
  }
  return { file, assertions: tap.end(), durationMs: performance.now() - started };
}

/**
 * The table that a file wants to have to itself (`-- alone: public.t` among its first lines), if it holds anything. By its size, since rows may
 * be hidden from us.
 */
async function occupiedTable(client: Client, path: string): Promise<string | null> {
  const table = /^(?:--.*\n)*?-- alone: (\S+)$/m.exec(readFileSync(path, "utf8"))?.[1];
  if (!table) return null;
  const { rows } = await client.query(
    "select coalesce(pg_catalog.pg_relation_size(pg_catalog.to_regclass($1)), 0) > 0 as occupied",
    [table],
  );
  return rows[0]?.occupied ? table : null;
}

/** That pgTAP is missing is no fault of any file. */
function isOfTheFile(error: unknown): error is pg.DatabaseError | HarnessError {
  return error instanceof pg.DatabaseError || (error instanceof HarnessError && error.code !== "no-pgtap");
}

async function runStatement(
  client: Client,
  { text, line, kind }: Statement,
  file: string,
  tap: TapReader,
): Promise<void> {
  tap.line = line;
  if (kind === "commit") {
    throw new HarnessError({
      code: "test-commits",
      message: `${file}, line ${line}: a test must not commit`,
      hint: "End it with ROLLBACK.",
    });
  }
  const { rows } = await client.query<unknown[]>({ text, rowMode: "array" });
  for (const row of rows) for (const cell of row) if (typeof cell === "string") tap.write(cell);
}

/** Reads TAP as statements produce it, so that every assertion knows the line of the statement that made it. */
class TapReader {
  line = 0;
  readonly #parser = new Parser();
  readonly #assertions: Assertion[] = [];
  readonly #lines: number[] = [];
  #problems: string[] = [];

  constructor() {
    this.#parser.on("assert", ({ ok, name, skip, todo, id }) => {
      const directive = skip
        ? `SKIP ${skip === true ? "" : skip}`
        : todo
          ? `TODO ${todo === true ? "" : todo}`
          : null;
      const line = this.#lines[this.#assertions.length] ?? this.line;
      this.#assertions.push({
        ok: ok || Boolean(todo),
        description: name || `assertion ${id}`,
        line,
        diagnostics: [],
        directive,
      });
    });
    this.#parser.on("comment", (comment: string) => {
      this.#assertions.at(-1)?.diagnostics.push(comment.replace(/^\s*#\s?/, "").trimEnd());
    });
    this.#parser.on("complete", ({ failures }: { failures: { tapError?: string }[] }) => {
      this.#problems = failures.flatMap(({ tapError }) => (tapError ? [tapError] : []));
    });
  }

  write(text: string): void {
    for (const line of text.split("\n")) {
      if (/^(not )?ok\b/.test(line)) this.#lines.push(this.line);
      this.#parser.write(`${line}\n`);
    }
  }

  /** The statement at the present line raised, and so the rest of the file did not run. */
  fail(error: Error): void {
    const { code, detail, hint, where } = error as pg.DatabaseError;
    const diagnostics = [detail, hint, where].filter((text): text is string => Boolean(text));
    this.#lines.push(this.line);
    this.#parser.write(
      `not ok - ${`${error.message}${code ? ` (${code})` : ""}`.replaceAll("\n", " ").replaceAll("#", "\\#")}\n`,
    );
    for (const text of diagnostics) for (const line of text.split("\n")) this.#parser.write(`# ${line}\n`);
  }

  end(): Assertion[] {
    this.#parser.end();
    for (const problem of this.#problems) {
      this.#assertions.push({
        ok: false,
        description: problem,
        line: this.line,
        diagnostics: ["plan(), the assertions and finish() don't agree"],
        directive: null,
      });
    }
    return this.#assertions;
  }
}
