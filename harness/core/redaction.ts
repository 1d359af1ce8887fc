/**
 * Secrets never reach a terminal, a log or a report. Two nets: every password that we meet is
 * remembered and replaced wherever it turns up; and whatever has the shape of a password is
 * replaced even if we have never seen it.
 */
const secrets = new Set<string>();
const mask = "***";

/** Remembers a secret and the forms in which libraries are known to repeat it. */
export function keepSecret(secret: string | undefined): void {
  if (!secret) return;
  for (const form of [
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    JSON.stringify(secret).slice(1, -1),
  ]) {
    secrets.add(form);
  }
}

const shapes: [RegExp, string][] = [
  // postgres://user:secret@host: up to the last @ before the path, since passwords contain @ unencoded
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s/?#]*@/gi, `$1:${mask}@`],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s]*@(?=[^\s@]*(?:[\s/:]|$))/gi, `$1:${mask}@`],
  // password=secret, password='se cret', ?password=secret&…, PGPASSWORD=secret
  [
    /((?:password|passwd|pwd|sslpassword|pgpassword|api_key|token)\s*[=:]\s*)('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s&;,'"]+)/gi,
    `$1${mask}`,
  ],
  [/(Bearer\s+)[\w.~+/=-]+/gi, `$1${mask}`],
];

/** The text with every known or password-shaped secret replaced by `***`. */
export function redact(text: string): string {
  let clean = text;
  // longest first, so that a secret that contains another one leaves no remainder
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    clean = clean.replaceAll(secret, mask);
  }
  for (const [shape, replacement] of shapes) clean = clean.replace(shape, replacement);
  return clean;
}
