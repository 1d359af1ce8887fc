import { flag, type Option, option, type ValuesOf } from "./option.ts";
import { path, text } from "./values.ts";

// Options that many commands have. Each stands here once.

const target = <T>(one: Option<T>): Option<T> => ({ ...one, heading: "Target:" });

/** Of every command that works on a database. */
export const reading = {
  branch: target(option(text("name"), "branch to work on: local, or of the configured Neon project")),
  databaseUrl: target(
    option(text("url"), "any Postgres, by URL (else DATABASE_URL, else PGHOST …, else local branch main)"),
  ),
  config: target(option(path(), "configuration (default: harness.config.json, found upwards)")),
};

/** Of every command that can change one. */
export const writing = {
  ...reading,
  confirm: target(option(text("name"), "name a protected branch again, to write to it")),
};

export const json = { json: flag("JSON instead of text") };

export type Reading = ValuesOf<typeof reading>;
export type Writing = ValuesOf<typeof writing>;
