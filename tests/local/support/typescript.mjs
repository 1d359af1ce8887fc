import { readFile } from "node:fs/promises";
import { isMainThread } from "node:worker_threads";

// Lets `node --import` run the sources as they are, which Node 20 can't do by itself. Node loads this file twice:
// for --import, and again in the thread of the hooks that it registers.

if (isMainThread) {
  const { register } = await import("node:module");
  register(import.meta.url);
}

/** @type {import("node:module").LoadHook} */
export async function load(url, context, nextLoad) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return nextLoad(url, context);
  const { transformWithOxc } = await import("vite");
  const { code } = await transformWithOxc(await readFile(new URL(url), "utf8"), new URL(url).pathname);
  return { format: "module", source: code, shortCircuit: true };
}
