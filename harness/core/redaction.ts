import { mask, maskShapes } from "./secret-shapes.ts";

/**
 * Secrets never reach a terminal, a log or a report. Two nets: every password that we meet is
 * remembered and replaced wherever it turns up, however it is escaped there; and whatever has the
 * shape of a password is replaced even if we have never seen it.
 */
const secrets = new Map<string, RegExp>();

/**
 * A password that is also a word of everyday output would turn all of that output into stars, and
 * tell by them what it is. Where one of these stands in the place of a password, the shapes catch it.
 */
const everydayWords = new Set(
  "postgres postgresql password secret root admin user test neondb neondb_owner supabase public".split(" "),
);

/** Shorter ones occur by chance in any text: they are left to the shapes. */
const shortestSecret = 4;
/** Below this length, or made of letters only, it counts as a whole word: `1234` leaves the number 51234 alone. */
const shortestFragment = 8;

/** Remembers a secret, in every form in which an encoder or a quoting rule may repeat it. */
export function keepSecret(secret: string | undefined): void {
  if (!secret || secret.length < shortestSecret || everydayWords.has(secret.toLowerCase())) return;
  if (secrets.has(secret)) return;
  const anyForm = [...secret].map(formsOf).join("");
  const alone = secret.length < shortestFragment || /^[a-z]+$/i.test(secret);
  secrets.set(
    secret,
    new RegExp(alone ? `(?<![\\p{L}\\p{N}_])${anyForm}(?![\\p{L}\\p{N}_])` : anyForm, "gu"),
  );
}

const htmlNames: Record<string, string[]> = {
  "&": ["&amp;", "&#38;"],
  "<": ["&lt;", "&#60;"],
  ">": ["&gt;", "&#62;"],
  '"': ["&quot;", "&#34;"],
  "'": ["&#39;", "&#x27;", "&apos;", "''"],
  " ": ["+"],
};

/** One character: as it is, percent-encoded, backslash-escaped, as JSON, SQL or HTML write it. */
function formsOf(character: string): string {
  if (/[A-Za-z0-9]/.test(character)) return character;
  const percent = [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
    .join("");
  const json = JSON.stringify(character).slice(1, -1);
  const forms = [percent, percent.toUpperCase(), json, `\\${character}`, ...(htmlNames[character] ?? [])];
  const longestFirst = [...new Set([...forms, character])].sort((a, b) => b.length - a.length);
  return `(?:${longestFirst.map((form) => form.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|")})`;
}

/** The text with every known or password-shaped secret replaced by `***`. */
export function redact(text: string): string {
  let clean = text;
  // longest first, so that a secret that contains another one leaves no remainder
  for (const [, anywhere] of [...secrets].sort(([a], [b]) => b.length - a.length)) {
    clean = clean.replace(anywhere, mask);
  }
  return maskShapes(clean);
}
