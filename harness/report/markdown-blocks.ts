export type MarkdownBlock =
  | { kind: "heading"; level: number; text: string }
  | { kind: "paragraph"; text: string }
  | { kind: "code"; text: string }
  | { kind: "list"; items: { lead: string; text: string }[] }
  | { kind: "table"; rows: string[][] };

/** The part of Markdown that our pages are written in, as blocks. What it doesn't know is a paragraph. */
export function parseMarkdown(markdown: string): MarkdownBlock[] {
  const blocks: MarkdownBlock[] = [];
  const lines = markdown.replace(/<!--[\s\S]*?-->/g, "").split("\n");
  let open = false; // whether the last block goes on in the next line
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const fence = /^(\s*)(`{3,}|~{3,})/.exec(line);
    if (fence) {
      const [, margin = "", marks = ""] = fence;
      const end = lines.findIndex((other, index) => index > at && other.trim().startsWith(marks));
      const code = lines.slice(at + 1, end < 0 ? undefined : end);
      blocks.push({ kind: "code", text: code.map((each) => withoutMargin(each, margin)).join("\n") });
      at = end < 0 ? lines.length : end;
      open = false;
    } else if (line.trim() === "") {
      open = false;
    } else {
      addLine(blocks, line, open);
      open = blocks.at(-1)?.kind !== "heading";
    }
  }
  return blocks;
}

function addLine(blocks: MarkdownBlock[], line: string, open: boolean): void {
  const last = open ? blocks.at(-1) : undefined;
  const previous = blocks.at(-1);
  const heading = /^(#{1,6}) +(.*?)#*$/.exec(line);
  const item = /^(\s*)([-*+]|\d+[.)]) +(.*)$/.exec(line);
  if (heading) {
    blocks.push({ kind: "heading", level: heading[1]?.length ?? 1, text: (heading[2] ?? "").trim() });
  } else if (item) {
    const [, margin = "", mark = "", text = ""] = item;
    const entry = { lead: margin + (/\d/.test(mark) ? mark : "-"), text };
    // a list goes on after an empty line
    if (previous?.kind === "list") previous.items.push(entry);
    else blocks.push({ kind: "list", items: [entry] });
  } else if (/^\s*\|/.test(line)) {
    const cells = line
      .trim()
      .replace(/^\||\|$/g, "")
      .split(/(?<!\\)\|/);
    const row = cells.map((cell) => cell.trim().replaceAll("\\|", "|"));
    if (row.every((cell) => /^:?-+:?$/.test(cell))) return;
    if (last?.kind === "table") last.rows.push(row);
    else blocks.push({ kind: "table", rows: [row] });
  } else if (last?.kind === "list") {
    const entry = last.items.at(-1);
    if (entry) entry.text += ` ${line.trim()}`;
  } else if (last?.kind === "paragraph") {
    last.text += ` ${line.trim()}`;
  } else {
    blocks.push({ kind: "paragraph", text: line.replace(/^> ?/, "").trim() });
  }
}

function withoutMargin(line: string, margin: string): string {
  return line.startsWith(margin) ? line.slice(margin.length) : line.trimStart();
}
