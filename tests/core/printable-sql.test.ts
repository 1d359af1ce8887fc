import { expect, inject, test } from "vitest";
import { printable } from "../../harness/core/printable.ts";
import { printableSql } from "../../harness/core/printable-sql.ts";
import { connect } from "../../harness/targets/session/connection.ts";

// Every character that must not be shown, in turn and all together, beside what quoting needs.
const characters = [
  ..."\u0001\u0007\b\t\n\r\u001b\u007f\u0085\u009b\u00a0\u00ad\u200b\u200e\u202e\u2028\u2060\u2066\u3164\ufe0f\ufeff",
  "\u{e0041}",
];
const names = [
  ...characters.map((character) => `a${character}b`),
  characters.join(""),
  `q"uo'te\\s \u001b`,
  `\\u001b \u001b \\\\`,
  "x\n::error::y\u001b",
  "--! include evil.sql",
  "\n--! include evil.sql\n:DATABASE_OWNER",
  "$$ \u001b $$ $x$",
  "/* \u001b -- */",
  "##[error]\u202e",
  "plain",
];
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const constant = (text: string) => `'${text.replaceAll("'", "''")}'`;
const commented = (text: string) => text.replace(/\/\*|\*\//g, "");
const escaped = (text: string) => `E${constant(text.replaceAll("\\", "\\\\"))}`;

test("SQL that needs nothing stays as it is", () => {
  for (const sql of [
    "select 1;\n\tselect 'it''s', \"a\"\"b\", E'\\n', U&\"\\0041\", $$ x\ny $$ -- it's\n/* ' */;",
    "do $a$ begin execute $b$ select 'x' $b$; end $a$;",
    "select a$b, 1$$",
  ])
    expect(printableSql(sql)).toBe(sql);
});

test("a cast keeps casting where its line would be an order to GitHub", () => {
  expect(printableSql("select 1\n  ::int")).toBe("select 1   ::int");
});

test.each(names)(
  "%j means the same to the server in every kind of quotes, and shows nothing",
  async (name) => {
    const client = await connect(inject("serverUrl"), { purpose: "test" });
    const nested = `do $do$ begin perform set_config('printable.x', ${constant(name)}, false); /* ${commented(name)} */ end $do$;`;
    const sql = `/* ${commented(name)} */ select ${constant(name)} as ${quoted(name)}, ${escaped(name)} as b, $q$${name}$q$ as c; ${nested} select current_setting('printable.x') as d;`;
    const shown = printableSql(sql);
    expect(shown.replace(/[\n\t]/g, "")).toBe(printable(shown.replace(/[\n\t]/g, "")));
    expect(shown).not.toMatch(/--!|:DATABASE_OWNER/);
    expect(shown).not.toMatch(/\n\s*::/);
    try {
      const answers = (await client.query(shown)) as unknown as { rows: Record<string, string>[] }[];
      expect(answers[0]?.rows).toEqual([{ [name]: name, b: name, c: name }]);
      expect(answers.at(-1)?.rows).toEqual([{ d: name }]);
    } finally {
      await client.end();
    }
  },
);
