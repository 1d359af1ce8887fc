import { describe, expect, test } from "vitest";
import { describeError } from "../../harness/command-line/run.ts";
import { HarnessError } from "../../harness/core/errors.ts";
import { keepSecret, redact } from "../../harness/core/redaction.ts";

describe("a password never seen before is recognised by its place", () => {
  // Each text holds the word that must not survive, and what must remain readable around it.
  test.each([
    ["a plain URL", "postgres://app:s3cr3t@db.example.com/shop", "postgres://app:***@db.example.com/shop"],
    ["@ in the password", "postgres://app:s3@cr3t@db/shop", "postgres://app:***@db/shop"],
    [": in the password", "postgres://app:s3:cr3t@db/shop", "postgres://app:***@db/shop"],
    ["/ in the password", "postgres://app:s3/cr3t@db/shop", "postgres://app:***@db/shop"],
    ["? and # in the password", "postgres://app:s3?x#cr3t@db/shop", "postgres://app:***@db/shop"],
    ["/ and @ in the password", "postgres://app:s/3@cr3t@db:5432/shop", "postgres://app:***@db:5432/shop"],
    ["% in the password", "postgres://app:s3%40cr3t@db/shop", "postgres://app:***@db/shop"],
    ["a quote in the password", `postgres://app:s3"cr3t'x@db/shop`, "postgres://app:***@db/shop"],
    ["a one-letter password", "postgres://app:s@db/shop", "postgres://app:***@db/shop"],
    ["no user", "postgres://:s3cr3t@db/shop", "postgres://:***@db/shop"],
    ["postgresql://", "postgresql://app:s3cr3t@db/shop", "postgresql://app:***@db/shop"],
    ["another scheme", "https://bob:s3cr3t@example.com/x", "https://bob:***@example.com/x"],
    [
      "two URLs",
      "postgres://a:s3cr3t@x/d,postgres://b:s3cr3t@y/d",
      "postgres://a:***@x/d,postgres://b:***@y/d",
    ],
    ["a URL inside a URL", "?to=postgres%3A%2F%2Fa%3As3cr3t%40db", "?to=postgres%3A%2F%2Fa%3A***%40db"],
    ["key=value", "host=db password=s3cr3t user=app", "host=db password=*** user=app"],
    ["key=value, quoted", "password = 's3 cr3t' user=app", "password = '***' user=app"],
    ["key=value, escaped quote", String.raw`password='s3\'s cr3t' user=app`, "password='***' user=app"],
    ["key=value, doubled quote", "password='s3''s cr3t' user=app", "password='***' user=app"],
    ["key=value, double quotes", 'password="s3 cr3t" user=app', 'password="***" user=app'],
    ["key=value, quote and comma inside", "password=s3'x,cr3t user=app", "password=*** user=app"],
    ["a query string", "/db?user=app&password=s3cr3t&sslmode=require", "&password=***&sslmode=require"],
    ["a semicolon list", "Password=s3cr3t;Server=db", "Password=***;Server=db"],
    ["sslpassword", "sslpassword=s3cr3t sslkey=k", "sslpassword=*** sslkey=k"],
    ["an environment variable", "PGPASSWORD=s3cr3t psql", "PGPASSWORD=*** psql"],
    ["an unclosed quote", "PGPASSWORD='s3cr3t", "PGPASSWORD=***"],
    ["a printed object", "{ user: 'app', password: 's3 cr3t' }", "{ user: 'app', password: '***' }"],
    ["a sentence", "wrong password: s3cr3t for app", "wrong password: *** for app"],
    ["SQL", "create role app login password 's3 cr3t' nosuperuser", "password '***' nosuperuser"],
    ["SQL with an escape string", String.raw`password E's3\'cr3t' login`, "password E'***' login"],
    ["a bearer token", "Authorization: Bearer s3cr3t", "Authorization: Bearer ***"],
    ["a bearer token by itself", "sent Bearer s3cr3t-abc.def to x", "sent Bearer *** to x"],
    ["a basic header", '"authorization":"Basic YTpzM2NyM3Q="', '"authorization":"Basic ***"'],
    ["an API key", "NEON_API_KEY=s3cr3t x", "NEON_API_KEY=*** x"],
    ["a Neon key", "key napi_s3cr3ts3cr3t refused", "key *** refused"],
    ["a JSON web token", "got eyJs3cr3tXY.eyJzdWIiOiJ4In0.abc-def", "got ***"],
  ])("%s", (_, text, remains) => {
    const clean = redact(text);
    expect(clean).toContain(remains);
    expect(clean).not.toMatch(/cr3t|YTpz/);
    expect(redact(clean)).toBe(clean);
  });

  test("JSON stays JSON, however deep the password lies", () => {
    const inner = JSON.stringify({ password: 's3"cr3t \\x', token: null, host: "db" });
    const middle = JSON.stringify({
      answer: inner,
      url: "postgres://a:s3cr3t@db/x",
      mail: "bob@example.com",
    });
    for (const text of [inner, middle, JSON.stringify({ middle })]) {
      const clean = redact(text);
      expect(clean).not.toContain("cr3t");
      expect(() => JSON.parse(clean)).not.toThrow();
    }
    expect(JSON.parse(redact(middle))).toEqual({
      answer: '{"password":"***","token":null,"host":"db"}',
      url: "postgres://a:***@db/x",
      mail: "bob@example.com",
    });
  });
});

describe("ordinary text stays as it is", () => {
  test.each([
    'password authentication failed for user "app"',
    "password: what to do",
    "Correct it in the URL, or set PGPASSWORD or ~/.pgpass.",
    "Write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require.",
    "postgres://localhost:5432/shop",
    "postgres://app@[::1]:5432/shop",
    "https://example.com:8080/a?mail=bob@example.com",
    '{"api":"http://127.0.0.1:80","mail":"bob@example.com"}',
    `Unexpected token '<', "<html>" is not valid JSON`,
    "bearer authentication failed",
    "basic set-up of the branch",
    '{"password":null,"token":true}',
    "select * from s where token = current_setting('app.token')",
    "update s set token = $1 where id = 7",
    "pass: 14, fail: 2",
    "tokens: 12",
    "2026-01-02T03:04:05.678Z br-cool-darkness-a5b6c7d8",
  ])("%s", (text) => expect(redact(text)).toBe(text));
});

describe("a known secret", () => {
  const secret = `K7 w@"o'&r%/<d>\\é`;
  keepSecret(secret);
  const url = new URL("postgres://app@db/shop");
  url.password = secret;

  test.each([
    ["as it is", secret],
    ["percent-encoded", encodeURIComponent(secret)],
    ["percent-encoded in small letters", encodeURIComponent(secret).replace(/%../g, (s) => s.toLowerCase())],
    ["encoded as a URI", encodeURI(secret)],
    ["as URL writes it", url.password],
    ["in a form", new URLSearchParams({ x: secret }).toString()],
    ["in JSON", JSON.stringify({ x: secret })],
    ["in a SQL literal", `select '${secret.replaceAll("'", "''")}'`],
    ["in a connection string", `x='${secret.replace(/['\\]/g, "\\$&")}'`],
    [
      "in HTML",
      secret.replace(/[&<>"']/g, (c) => `&${{ "&": "amp", "<": "lt", ">": "gt", '"': "quot" }[c] ?? "#39"};`),
    ],
    ["inside a longer word", `xx${secret}yy`],
  ])("%s", (_, text) => {
    const clean = redact(`before ${text} after`);
    expect(clean).toMatch(/^before .*\*\*\*.* after$/);
    expect(clean).not.toMatch(/K7|%2[fF]|d>|d&gt|é/);
  });

  test("in any cause of an error, with the stack of each", () => {
    const root = new Error(`root ${secret}`);
    const middle = new TypeError(`middle ${encodeURIComponent(secret)}`, { cause: root });
    const error = new HarnessError({
      code: "x",
      message: `top ${JSON.stringify(secret)}`,
      hint: `hint ${secret}`,
      cause: middle,
    });
    const printed = describeError(error, true);
    expect(printed).toMatch(/root \*\*\*[\s\S]* at /);
    expect(printed).not.toContain("K7");
    expect(describeError(error)).not.toContain("K7");
  });

  test("within another known secret leaves no remainder", () => {
    keepSecret("outer-1234-secret");
    keepSecret("1234-sec");
    expect(redact("x outer-1234-secret y")).toBe("x *** y");
  });
});

describe("a short or common password does not turn the output into stars", () => {
  test("fewer than four characters are masked in their place only", () => {
    keepSecret("a");
    keepSecret("abc");
    expect(redact("a bad abc at postgres://u:a@h/abc")).toBe("a bad abc at postgres://u:***@h/abc");
  });

  test("fewer than eight only as a whole word", () => {
    keepSecret("1234");
    expect(redact("1234 51234 12345 'Secret'=1234; x_1234")).toBe("*** 51234 12345 'Secret'=***; x_1234");
  });

  test("letters only as a whole word", () => {
    keepSecret("restaurant");
    expect(redact("restaurant restaurants current_restaurant_id")).toBe(
      "*** restaurants current_restaurant_id",
    );
  });

  test("everyday words only in their place", () => {
    keepSecret("postgres");
    keepSecret("password");
    const text = 'does not accept the password of role "postgres" at postgres://postgres:postgres@h/postgres';
    expect(redact(text)).toBe(
      'does not accept the password of role "postgres" at postgres://postgres:***@h/postgres',
    );
  });

  test("nothing to keep is no error", () => {
    keepSecret(undefined);
    keepSecret("");
    keepSecret("lone \ud800 surrogate");
    expect(redact("text")).toBe("text");
  });
});

// Quadratic matching would take minutes here.
test.each(["a", "a.", "://a:", "postgres://u:", 'password=\\"', "Bearer ", "password '", "password:"])(
  "a megabyte of %s",
  (piece) => {
    expect(redact(piece.repeat(1_000_000 / piece.length)).length).toBeGreaterThan(0);
  },
);
