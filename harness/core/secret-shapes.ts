/** What looks like a password without our ever having seen it, and what to write in its place. */
export const mask = "***";

type Shape = [RegExp, (whole: string, ...groups: string[]) => string];

/** `postgres://USER:PASSWORD@HOST` is how a hint shows what to write. */
const maskUrl = (whole: string, before: string, password: string) =>
  password === "PASSWORD" ? whole : `${before}${mask}@`;

const maskAfter = (_: string, before: string) => before + mask;

const credentials: Shape[] = [
  // scheme://user:secret@. The bound on the scheme keeps a long word from costing quadratic time.
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/?#@"'`<>]*:)([^\s/?#@"'`<>\\]*)@/gi, maskUrl],
  // In a Postgres URL up to the last @ of the word: people write passwords with / ? # @ and quotes unencoded.
  [
    /\b(postgres(?:ql)?:\/\/[^\s:/?#@]*:)((?:(?!postgres(?:ql)?:\/\/)(?:[^\s"'`\\]|\\.|["'`](?![,:;)}\]\s]|$)))*)@/gi,
    maskUrl,
  ],
  // the same URL as a value inside another one
  [/\b(postgres(?:ql)?%3A%2F%2F[^\s%]*%3A)\S*?(?=%40)/gi, maskAfter],
  // create role … password '…'
  [/(\bpassword\s+(?:E|U&)?')(?:[^'\\]|\\.|'')*(?=')/gi, maskAfter],
  [
    /(\bauthorization(?:\\*["'])?\s*[:=]\s*(?:\\*["'])?(?:(?:bearer|basic|token)\s+)?)[\w.~+/=*-]+/gi,
    maskAfter,
  ],
  // with a digit in it or long, since "bearer" and "basic" are also words
  [/\b((?:bearer|basic)\s+)(?:(?=[a-z.~+/=_-]*\d)[\w.~+/=-]{8,}|[\w.~+/=-]{20,})/gi, maskAfter],
  // Neon API keys and JSON web tokens, wherever they stand
  [/\bnapi_\w{8,}/g, () => mask],
  [/\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*/g, () => mask],
];

const key =
  /(?<before>(?:password|passwd|passphrase|pwd|api[_-]?key|secret|token)(?:\\*["'])?(?<separator>[ \t]*(?:=>|[=:])[ \t]*))/;
const values = [
  /(?<escaped>\\+["'])[^\n]{0,1000}?(?<!\\)\k<escaped>/,
  /(?<single>')(?:[^'\\]|\\.|'')*'/,
  /(?<double>")(?:[^"\\]|\\.)*"/,
  // a bare value may hold a quote or a comma, but not one that ends a string or begins the next setting
  /(?<bare>(?:[^\s&;,'"\\]|\\(?!["'])|[&;,](?!\s|$|["']|[\w.-]+=)|["'](?![\s,:;)}\]]|$))+)/,
];
/** password=secret, password = 'se cret', ?password=secret&…, "password":"secret", PGPASSWORD=secret. */
const assignment = new RegExp(`${key.source}(?:${values.map((value) => value.source).join("|")})`, "gi");

export function maskShapes(text: string): string {
  let clean = text;
  for (const [shape, replacement] of credentials) clean = clean.replace(shape, replacement);
  const unassigned = clean;
  return unassigned.replace(assignment, (whole: string, ...rest) => {
    const { before, separator, escaped, single, double, bare } = rest.at(-1) as Record<string, string>;
    const after = unassigned.slice((rest.at(-3) as number) + whole.length).slice(0, 2);
    if (bare && isOrdinary(bare, separator ?? "", after)) return whole;
    const quote = escaped ?? single ?? double ?? "";
    return `${before}${quote}${mask}${quote}`;
  });
}

/** A bare value that is no secret: a literal, an SQL expression or parameter, the next word of a sentence. */
function isOrdinary(value: string, separator: string, after: string): boolean {
  if (/^(true|false|null|undefined)\W*$/i.test(value)) return true;
  if (!/\s$/.test(separator)) return false;
  if (separator.includes("=")) return /^(\(|\$\d|[a-z_][\w.]*\()/i.test(value);
  return /^[a-z]+$/i.test(value) && /^ [a-z]/i.test(after);
}
