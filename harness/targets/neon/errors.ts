import * as v from "valibot";
import { HarnessError } from "../../core/errors.ts";
import { redact } from "../../core/redaction.ts";

/** What an HTTP server said. */
export interface Answer {
  status: number;
  /** Milliseconds of its Retry-After. */
  asked: number | null;
  type: string;
  body: string;
}

export interface Explanation {
  code: string;
  message: string;
  hint: string;
}

export interface Context {
  base: string;
  call: string;
  projectId: string;
  missing: Explanation;
}

const neonError = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ message: v.string(), request_id: v.nullish(v.string()) }),
);

/** An answer that is not 200, and that no further attempt will change. */
export function refused(answer: Answer, context: Context): HarnessError {
  const parsed = v.safeParse(neonError, answer.body);
  // 404 is also what any other web server answers
  if (answer.status === 404 && !parsed.success) return badAnswer(context.base, "HTTP 404 in another form");
  const said = parsed.success ? redact(parsed.output.message).replace(/\s+/g, " ").slice(0, 200) : "";
  const request = parsed.success ? (parsed.output.request_id ?? "unknown") : "unknown";
  return new HarnessError({
    ...explain(answer, said, context),
    cause: new Error(
      `GET ${context.call}: HTTP ${answer.status}, request ${request}: ${said || answer.type}`,
    ),
  });
}

function explain(
  { status, asked }: Answer,
  said: string,
  { base, projectId, missing }: Context,
): Explanation {
  const why = said ? `: ${said}` : "";
  if (status === 401 || status === 403) {
    return {
      code: "neon-key-refused",
      message: `Neon refuses the API key${status === 403 ? ` for project "${projectId}"` : ""}${why}`,
      hint: "Check NEON_API_KEY; keys are made in the Neon console, in the settings of an account, organization or project.",
    };
  }
  if (status === 404) return { ...missing, message: `${missing.message}${why}` };
  if (status === 400 && said.includes("org_id")) {
    return {
      code: "neon-org-required",
      message: `Neon cannot tell the organization from the API key${why}`,
      hint: "Use a key of the organization or of the project in NEON_API_KEY instead of a personal one.",
    };
  }
  if (status === 423) {
    return {
      code: "neon-locked",
      message: `Neon project "${projectId}" is busy with other operations${why}`,
      hint: "Try again when they have finished.",
    };
  }
  if (status === 429) {
    return {
      code: "neon-rate-limited",
      message: `Neon has had too many requests${why}`,
      hint: asked ? `Try again in ${Math.ceil(asked / 1000)} s.` : "Try again in a minute.",
    };
  }
  return {
    code: "neon-failed",
    message: `Neon's API at ${base} answers HTTP ${status}${why}`,
    hint:
      status >= 500 ? "Try again later; see neonstatus.com." : "Check NEON_API_HOST and the project's id.",
  };
}

/** An answer that Neon's API does not give. */
export function badAnswer(base: string, what: string): HarnessError {
  return new HarnessError({
    code: "neon-bad-answer",
    message: `${base} does not answer like Neon's API: ${what}`,
    hint: "Check NEON_API_HOST: it is the API's address including /api/v2.",
  });
}

/** No answer at all, after the last attempt. */
export function unreachable(base: string, error: unknown): HarnessError {
  return new HarnessError({
    code: "neon-unreachable",
    message: `Neon's API at ${base} does not answer (${innermostReason(error)})`,
    hint: "Check the network and NEON_API_HOST.",
    cause: error,
  });
}

/** fetch says "fetch failed" to everything; the reason is further down. */
function innermostReason(error: unknown): string {
  let reason = String(error);
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e.name === "TimeoutError") return "time is up";
    reason = (e as NodeJS.ErrnoException).code?.toString() ?? e.message;
  }
  return reason;
}
