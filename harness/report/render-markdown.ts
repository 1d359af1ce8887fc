import { printable, printableLines } from "../core/printable.ts";
import { type Colors, colors } from "../terminal/color.ts";
import { displayWidth } from "../terminal/display-width.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { indent, wrap } from "../terminal/text.ts";
import { type MarkdownBlock, parseMarkdown } from "./markdown-blocks.ts";

const width = 80;

/** A page of the documentation for a terminal of 80 columns. Code stays as it is, to be copied; of links the text remains. */
export function renderMarkdown(markdown: string, { color }: Pick<Terminal, "color">): string {
  const c = colors(color);
  return `${parseMarkdown(markdown)
    .map((block) => renderBlock(block, c))
    .join("\n\n")}\n`;
}

function renderBlock(block: MarkdownBlock, c: Colors): string {
  switch (block.kind) {
    case "heading":
      return c.bold(styled(wrap(readable(block.text), width, ""), c));
    case "paragraph":
      return styled(wrap(readable(block.text), width, "  "), c);
    case "code":
      return indent(c.green(printableLines(block.text)), 4);
    case "list":
      return block.items
        .map(({ lead, text }) => styled(wrap(readable(text), width, `  ${lead} `), c))
        .join("\n");
    case "table":
      return renderTable(
        block.rows.map((row) => row.map(readable)),
        c,
      );
  }
}

/** Columns if they fit; otherwise a paragraph for each row. */
function renderTable(rows: string[][], c: Colors): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...rows.map((row) => displayWidth(row[at] ?? ""))),
  );
  const fits = widths.reduce((sum, each) => sum + each + 2, 0) <= width;
  const lines = rows.map((row) => {
    if (!fits) return wrap(row.filter(Boolean).join(" · "), width, "  - ");
    const cells = row.map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - displayWidth(cell)));
    return `  ${cells.join("  ")}`.trimEnd();
  });
  return styled(lines.join("\n"), c);
}

/** Links and images as their text; a link out of the documentation keeps its address. */
function readable(text: string): string {
  const linkless = text.replace(/!?\[([^\]]*)\]\(([^)\s]*)[^)]*\)/g, (_, words, address) =>
    /^https?:/.test(address) && address !== words ? `${words} (${address})` : words,
  );
  return printable(linkless);
}

/** Bold, emphasis and code by colour; without colours only code keeps its marks, since it has to be told from words. */
function styled(text: string, c: Colors): string {
  return text.replace(
    /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|\*\*([\s\S]+?)\*\*|\*([^\s*][^*]*)\*|\\([^\w\s])/g,
    (all, _fence, code, bold, emphasis, escaped) => {
      if (code) return c.isColorSupported ? c.cyan(code) : all;
      if (bold) return c.bold(styled(bold, c));
      return emphasis ? c.italic(emphasis) : escaped;
    },
  );
}
