import * as v from "valibot";
import { HarnessError } from "../../core/errors.ts";
import { keepSecret } from "../../core/redaction.ts";
import { type Answer, badAnswer, type Explanation, refused, unreachable } from "./errors.ts";
import { nextPause, type Patience, readRetryAfter } from "./patience.ts";
import type { NeonSettings } from "./settings.ts";

export interface Question<Schema extends v.GenericSchema> {
  /** Segments of the path, not yet encoded. */
  path: string[];
  query: Record<string, string>;
  /** What of the answer is relied on. */
  schema: Schema;
  /** What it means that the thing asked for is not there. */
  missing: Explanation;
}

export interface NeonApi {
  /** Asks until Neon has an answer or patience ends. Only for calls that change nothing: those may be repeated. */
  get<Schema extends v.GenericSchema>(question: Question<Schema>): Promise<v.InferOutput<Schema>>;
}

const neonHost = "https://console.neon.tech/api/v2";

export function neonApi({ apiKey, apiHost, projectId }: NeonSettings, patience: Patience): NeonApi {
  requireHeaderValue(apiKey);
  keepSecret(apiKey);
  requireProjectId(projectId);
  const base = baseUrl(apiHost ?? neonHost);

  async function ask(url: string): Promise<Answer> {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${apiKey}`, accept: "application/json", "user-agent": "harness" },
      // The API does not redirect; whatever does is not the API, and must not get the key.
      redirect: "manual",
      signal: AbortSignal.timeout(patience.callTimeoutMs),
    });
    const { status, headers } = response;
    return {
      status,
      asked: readRetryAfter(headers.get("retry-after")),
      type: headers.get("content-type") ?? "no content type",
      body: await response.text(),
    };
  }

  async function get<Schema extends v.GenericSchema>({ path, query, schema, missing }: Question<Schema>) {
    const call = `/${path.map(encodeURIComponent).join("/")}`;
    const url = `${base}${call}?${new URLSearchParams(query)}`;
    for (let attempt = 1, waited = 0; ; attempt++) {
      const answer = await ask(url).catch((error: unknown) => unreachable(base, error));
      const failed = answer instanceof HarnessError;
      if (!failed && answer.status === 200) return decode(answer, schema, base);
      const pause = failed
        ? nextPause(null, attempt, null, waited)
        : nextPause(answer.status, attempt, answer.asked, waited);
      if (pause === null) throw failed ? answer : refused(answer, { base, call, projectId, missing });
      await patience.wait(pause);
      waited += pause;
    }
  }
  return { get };
}

function decode<Schema extends v.GenericSchema>(
  answer: Answer,
  schema: Schema,
  base: string,
): v.InferOutput<Schema> {
  let body: unknown;
  try {
    body = JSON.parse(answer.body);
  } catch {
    // without a cause: that error quotes the body, and in it may be a password
    throw badAnswer(base, `something that is not JSON (${answer.type}, ${answer.body.length} characters)`);
  }
  const checked = v.safeParse(schema, body, { abortEarly: true });
  if (checked.success) return checked.output;
  // likewise, only where and what was expected
  const [issue] = checked.issues;
  const where = v.getDotPath(issue) ?? "the whole";
  throw badAnswer(base, `JSON of another form (${where} is not ${issue.expected ?? issue.type})`);
}

/** fetch repeats in its error what it cannot send. */
function requireHeaderValue(apiKey: string): void {
  if (/^[\x21-\x7e]+$/.test(apiKey)) return;
  throw new HarnessError({
    code: "neon-key-refused",
    message: "the Neon API key has characters in it that no key has",
    hint: "Check NEON_API_KEY for spaces, quotes and line ends.",
  });
}

function requireProjectId(projectId: string): void {
  if (/^[a-z0-9-]{1,60}$/.test(projectId)) return;
  throw new HarnessError({
    code: "unknown-project",
    message: `${JSON.stringify(projectId)} is not the id of a Neon project`,
    hint: "The id stands in the project's settings in the Neon console and looks like cool-forest-12345678; the name does not do.",
  });
}

function baseUrl(apiHost: string): string {
  const url = URL.canParse(apiHost) ? new URL(apiHost) : null;
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash) {
    return url.href.replace(/\/+$/, "");
  }
  throw new HarnessError({
    code: "malformed-neon-host",
    message: "the address of Neon's API is not an http or https URL without user, query and fragment",
    hint: `Write NEON_API_HOST as ${neonHost}.`,
  });
}
