// Wraps the lines of SQL files that are longer than 120 columns, and leaves all others as they are. `--check` names them instead.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { globSync } from "tinyglobby";

const width = 120;
const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const token =
  /(?<space>[ \t]+)|(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>[eE]'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*')|(?<name>"(?:[^"]|"")*")|(?<dollar>(\$(?:[A-Za-z_]\w*)?\$)(?![ \n])[^\n]*?\6)|(?<tag>\$(?:[A-Za-z_]\w*)?\$)|(?<word>[\w$]+)|(?<sign>::|:=|\|\||->>?|#>>?|[<>=!~@&*+-]+|[\s\S])/gy;

/** The tokens of a line's code, each with its place in the line. */
function tokensOf(line) {
  const found = [];
  token.lastIndex = 0;
  for (let match = token.exec(line); match; match = token.exec(line)) {
    const [kind] = Object.entries(match.groups).find(([, value]) => value !== undefined);
    if (kind !== "space") found.push({ kind, text: match[0], at: match.index, end: token.lastIndex });
  }
  return found;
}

/** Which lines begin within a string, a quoted name or a comment, and can't be touched. */
function linesWithin(text) {
  const within = new Set();
  let line = 0;
  token.lastIndex = 0;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const breaks = match[0].split("\n").length - 1;
    if (breaks > 0 && match[0] !== "\n") for (let n = 0; n <= breaks; n++) within.add(line + n);
    line += breaks;
  }
  return within;
}

const clause =
  /^(from|where|join|left|right|full|cross|inner|natural|group|order|having|union|window|limit|on|using|returning|values|set)$/i;
/** FROM that begins no clause: IS DISTINCT FROM, ROWS FROM (…), extract(… from …). */
const otherFrom = /^(distinct|rows|extract|trim|substring|overlay|position)$/i;
const joining = /^(left|right|full|cross|inner|natural|outer)$/i;
const branch = /^(when|else|then)$/i;
const both = /^(and|or)$/i;
const leading =
  /^(select|where|and|or|when|then|else|values|set|having|return|if|on|from|join|perform|using|with)$/i;

/** Where a line may be broken: the place, how deep in parentheses it is, and where the rest would stand. */
function breaksOf(tokens) {
  const [first, next] = tokens;
  const indent = first.at;
  const begins = leading.test(first.text) || clause.test(first.text);
  // behind a word that begins a clause its other lines stand where the first began
  const behind = begins && next ? next.at : null;
  const frame = (column, opener) => ({ column, opener, river: null, between: false, condition: 0 });
  const within = /^(when|then|else|return|if|perform)$/i.test(first.text);
  const river = begins && !within ? first.end : null;
  const stack = [{ ...frame(behind ?? indent + 2, ""), river, condition: river === null ? 0 : 1 }];
  const found = [];
  tokens.forEach((each, n) => {
    const before = tokens[n - 1];
    const top = stack.at(-1);
    const word = each.kind === "word";
    const add = (cost, column = top.column) => {
      if (n > 0) found.push({ at: each.at, depth: stack.length, cost, column });
    };
    // the words that begin the clauses of one SELECT end in one column
    const place = top.river === null ? top.column : Math.max(0, top.river - each.text.length);
    if (word && /^between$/i.test(each.text)) top.between = true;
    if (word && both.test(each.text)) {
      // a condition that began in this line should rather begin the next one
      const cost = top.condition > 1 ? 3 : 1;
      const afterOr = stack.length === 1 && /^or$/i.test(first.text) && /^and$/i.test(each.text);
      if (!(top.between && /^and$/i.test(each.text)))
        add(cost, top.condition > 0 && !afterOr ? place : top.column);
      top.between = false;
    } else if (word && clause.test(each.text) && !joining.test(before?.text ?? "")) {
      const other =
        /^from$/i.test(each.text) && (otherFrom.test(before?.text ?? "") || otherFrom.test(top.opener));
      if (!other && before?.text !== "(" && before?.text !== ",")
        add(/^(on|using|set)$/i.test(each.text) ? 2 : 0, place);
    } else if (word && branch.test(each.text))
      add(/^then$/i.test(each.text) ? 2 : 1, stack.length === 1 ? indent : top.column);
    else if (each.text === "||") add(2);
    else if (before?.text === ",") add(1, stack.length === 1 && !begins ? indent : top.column);
    else if (before?.text === ";") add(0, indent);
    else if (before?.text === "(" && !/^[()]$/.test(each.text)) add(6, indent + 4);
    else if (/^(=|<>|<|>|<=|>=|~|like|in|is|as|filter|over)$/i.test(each.text) && tokens[n + 1]?.text !== "(")
      add(5);
    if (/^select$/i.test(each.text) && !/^(for|grant|revoke|,)$/i.test(before?.text ?? ""))
      Object.assign(top, { river: each.end, condition: 0 });
    if (/^(where|having|on)$/i.test(each.text) && n > 0) top.condition = 2;
    if (each.text === "(" || each.text === "[") stack.push(frame(each.end, before?.text ?? ""));
    if (/^case$/i.test(each.text)) stack.push(frame(each.end + 1, "case"));
    const closes =
      each.text === ")" || each.text === "]" || (/^end$/i.test(each.text) && top.opener === "case");
    if (closes && stack.length > 1) stack.pop();
  });
  return found.filter(({ at, column }) => at > indent + 1 && column < at);
}

function wrapLine(line) {
  if (line.length <= width) return [line];
  if (/^\s*--/.test(line)) return wrapComment(line, /^(\s*-- *)(?:[-*] )?/.exec(line)[1]);
  const tokens = tokensOf(line);
  if (tokens.length === 0 || tokens[0].text === "\\") return [line];
  const indent = " ".repeat(tokens[0].at);
  const last = tokens.at(-1);
  if (last.kind === "comment" && last.text.startsWith("--") && tokens.length > 1)
    return [`${indent}${last.text}`, line.slice(0, last.at).trimEnd()].flatMap(wrapLine);
  const found = breaksOf(tokens).filter(({ at }) => line.slice(0, at).trimEnd().length <= width);
  const price = ({ at, depth, cost, column }) =>
    depth * 6 + cost * 1.5 - (7 * Math.min(at, 110)) / 110 + Math.max(0, column - 50) / 6;
  const [best] = found.sort((a, b) => price(a) - price(b));
  const string = splitString(tokens);
  if (best && (!string || best.at > 40 || best.depth < 3)) {
    const column = best.column > 80 ? tokens[0].at + 4 : best.column;
    const rest = `${" ".repeat(column)}${line.slice(best.at)}`;
    if (rest.length < line.length) return [line.slice(0, best.at).trimEnd(), ...wrapLine(rest)];
  }
  if (!string) return [line];
  const rest = `${" ".repeat(string.column)}'${line.slice(string.at)}`;
  return rest.length < line.length ? [`${line.slice(0, string.at)}'`, ...wrapLine(rest)] : [line];
}

/** A string constant that crosses the margin goes on in a second one: the server joins what only a line break divides. */
function splitString(tokens) {
  const crossing = tokens.find(({ kind, at, end }) => kind === "string" && at < width - 20 && end > width);
  if (!crossing) return null;
  const { text, at } = crossing;
  const place = text.slice(0, width - 1 - at).lastIndexOf(" ") + 1;
  const quote = /^e/i.test(text) ? 2 : 1;
  if (place < 20 || text[place - 2] === "\\") return null;
  return { at: at + place, column: at + quote - 1 };
}

function wrapComment(line, lead) {
  if (line.length <= width) return [line];
  const at = line.slice(0, width + 1).lastIndexOf(" ");
  if (at <= lead.length) return [line];
  return [line.slice(0, at), ...wrapComment(`${lead}${line.slice(at + 1)}`, lead)];
}

/** Prose goes on in the next line of its comment, instead of leaving a word alone in one. */
function wrapLines(lines) {
  const out = [];
  let carried = null;
  for (const line of lines) {
    const [, lead] = /^(\s*-- )(?=[^\s-])/.exec(line) ?? [];
    const goesOn = carried !== null && lead === carried;
    const pieces = wrapLine(goesOn ? `${out.pop()} ${line.slice(lead.length)}` : line);
    out.push(...pieces);
    carried = lead !== undefined && (goesOn ? line.length > 100 : pieces.length > 1) ? lead : null;
  }
  return out;
}

export function wrapSql(text) {
  const within = linesWithin(text);
  const lines = text.split("\n");
  if (!lines.some((line) => line.length > width)) return text;
  const start = lines.findIndex((line) => !/^-- ([a-z-]+: | {2})/.test(line));
  const out = lines.slice(0, start).flatMap((line) => wrapComment(line, "--   "));
  let run = [];
  lines.forEach((line, n) => {
    if (n < start) return;
    if (!within.has(n)) {
      run.push(line);
      return;
    }
    out.push(...wrapLines(run), line);
    run = [];
  });
  return [...out, ...wrapLines(run)].join("\n");
}

/** Lines, from 1, that are too long although no long string constant is to blame. */
function tooLong(text) {
  const within = linesWithin(text);
  return text.split("\n").flatMap((line, n) => {
    const constant = tokensOf(line).some(
      ({ kind, text: { length } }) => /string|dollar/.test(kind) && length > 40,
    );
    return line.length <= width || within.has(n) || constant ? [] : [n + 1];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes("--check");
  const wrong = [];
  for (const path of globSync(["harness/**/*.sql", "tests/**/*.sql"], { cwd: root }).sort()) {
    const text = readFileSync(join(root, path), "utf8");
    const wrapped = wrapSql(text);
    if (!check) {
      if (wrapped !== text) writeFileSync(join(root, path), wrapped);
      continue;
    }
    const lines = wrapped.split("\n");
    const wrappable = text.split("\n").findIndex((line, n) => line !== lines[n]);
    if (wrappable >= 0)
      wrong.push(`${path}:${wrappable + 1}: longer than ${width} columns: npm run format wraps it`);
    for (const line of tooLong(text)) wrong.push(`${path}:${line}: longer than ${width} columns`);
  }
  if (wrong.length > 0) {
    process.stderr.write(`${wrong.join("\n")}\n`);
    process.exitCode = 1;
  }
}
