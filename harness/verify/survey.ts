import type { Client } from "pg";
import type { Depth } from "./observe.ts";

/** What a survey may know beside the database. */
export interface Circumstances {
  depth: Depth;
  /** By the names of the environment variables that they come from. They are used here, and sent nowhere. */
  secrets: Readonly<Record<string, string | undefined>>;
}

/**
 * A file of surveys/ exports this: it works out what SQL alone can't, such as what a sealed value says. Its answer, as JSON, is the setting
 * `harness.<name of the file>` of every check that reads it.
 */
export type Survey = (client: Client, circumstances: Circumstances) => Promise<unknown>;
