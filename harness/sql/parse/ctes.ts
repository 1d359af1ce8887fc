import { blankQuoted } from "./blank.ts";

/** A common table expression: `name (columns) as materialized (…)`. */
export interface Cte {
  name: string;
  /** Where it begins in the text, and the place behind its last parenthesis. */
  start: number;
  end: number;
}

const head = /\s*([a-z_]\w*)\s*(?:\([\w\s,]*\)\s*)?\bas\s+(?:(?:not\s+)?materialized\s+)?\(/iy;

/** The CTEs that follow one another from a place on, with commas between them; `blank` is what blankQuoted() makes of a text. */
export function ctesAt(blank: string, place: number): Cte[] {
  const found: Cte[] = [];
  let next = place;
  for (;;) {
    head.lastIndex = next;
    const match = head.exec(blank);
    if (!match) return found;
    const [whole, name = ""] = match;
    const start = match.index + whole.search(/\S/);
    const end = closing(blank, head.lastIndex);
    if (end === null) return found;
    found.push({ name, start, end });
    const comma = /\s*,/y;
    comma.lastIndex = end;
    if (!comma.test(blank)) return found;
    next = comma.lastIndex;
  }
}

/** The place behind the parenthesis that closes the one before `place`. */
function closing(blank: string, place: number): number | null {
  let depth = 1;
  for (let at = place; at < blank.length; at++) {
    if (blank[at] === "(") depth++;
    else if (blank[at] === ")" && --depth === 0) return at + 1;
  }
  return null;
}

/** A query in two: the CTEs that it begins with, and the place where they or, without any, its SELECT begins. */
export function leadingCtes(sql: string): { blank: string; ctes: Cte[]; start: number } {
  const blank = blankQuoted(sql);
  const opening = /^\s*with\s+(?:recursive\s+)?/i.exec(blank)?.[0];
  if (opening === undefined) return { blank, ctes: [], start: blank.search(/\S|$/) };
  const ctes = ctesAt(blank, opening.length);
  return { blank, ctes, start: ctes[0]?.start ?? opening.length };
}
