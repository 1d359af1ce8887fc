import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Handler } from "../client/dispatcher/event.ts";
import { HarnessError } from "../core/errors.ts";

/**
 * The handler of a module, by its path from the working directory.
 * @throws HarnessError `bad-handler`
 */
export async function loadHandler(path: string): Promise<Handler> {
  const file = resolve(path);
  let module: Record<string, unknown>;
  try {
    module = await import(pathToFileURL(file).href);
  } catch (cause) {
    throw new HarnessError({
      code: "bad-handler",
      message: `the handler ${path} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: "Give the path of an ES module that this Node can run.",
      cause,
    });
  }
  const handler = module.handle ?? module.default;
  if (typeof handler === "function") return handler as Handler;
  throw new HarnessError({
    code: "bad-handler",
    message: `the handler ${path} exports no function`,
    hint: "Export it as default or by the name handle: async (event, { signal }) => { … }.",
  });
}
