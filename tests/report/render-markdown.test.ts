import { readFileSync } from "node:fs";
import { join } from "node:path";
import { globSync } from "tinyglobby";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { renderMarkdown } from "../../harness/report/render-markdown.ts";
import { displayWidth } from "../../harness/terminal/display-width.ts";

const render = (markdown: string) => renderMarkdown(markdown, { color: false });
const pages = globSync("docs/checks/*.md", { cwd: packageRoot, ignore: "**/README.md" }).sort();

describe("pages in a terminal", () => {
  test.each(pages)("%s: 80 columns but for code, which stays as it is, and no letter is lost", (path) => {
    const markdown = readFileSync(join(packageRoot, path), "utf8");
    const text = render(markdown);
    for (const [, code = ""] of markdown.matchAll(/^```\w*\n([\s\S]*?)^```/gm)) {
      expect(text).toContain(code.trimEnd().replace(/^/gm, "    "));
    }
    const prose = text.split("\n").filter((line) => !line.startsWith("    ") || displayWidth(line) <= 80);
    expect(prose.filter((line) => displayWidth(line) > 80)).toEqual([]);
    const letters = (some: string) => (some.match(/\p{L}/gu) ?? []).join("");
    expect(letters(text)).toBe(
      letters(
        markdown
          .replace(/<!--[\s\S]*?-->/g, "")
          .replace(/\]\((?!https?:)[^)]*\)/g, "]")
          .replace(/^```\w+$/gm, "```"),
      ),
    );
  });

  test("lists, tables, links and emphasis", () => {
    const text = render(
      "# T\n\nSee **this** and *that*: [a page](x.md), [a site](https://example.com).\n- one\n  more\n- `two * 2`\n\n1. first\n\n| a | b |\n|---|---|\n| 1 | x \\| y |\n",
    );
    expect(text).toBe(
      [
        "T",
        "",
        "  See this and that: a page, a site (https://example.com).",
        "",
        "  - one more",
        "  - `two * 2`",
        "  1. first",
        "",
        "  a  b",
        "  1  x | y",
        "",
      ].join("\n"),
    );
  });

  test("a table that is too wide becomes a list", () => {
    const text = render(`| a | b |\n|---|---|\n| ${"word ".repeat(12)} | ${"other ".repeat(12)} |\n`);
    expect(text).toMatch(/^ {2}- a · b\n {2}- word/);
    expect(Math.max(...text.split("\n").map(displayWidth))).toBeLessThanOrEqual(80);
  });

  test("code without an end, and nothing at all", () => {
    expect(render("```sql\nselect 1;")).toBe("    select 1;\n");
    expect(render("")).toBe("\n");
  });

  test("colours replace the marks", () => {
    expect(renderMarkdown("a `b` **c**", { color: true })).toBe(
      "  a \u001b[36mb\u001b[39m \u001b[1mc\u001b[22m\n",
    );
  });
});
