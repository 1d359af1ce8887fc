import { createRequire } from "node:module";

/** One command of graphile-migrate, for the child process of graphileMigrate(). */
export interface ChildTask {
  command: "migrate" | "commit" | "uncommit" | "current";
  /** The .gmrc. */
  config: string;
  /** Of the commit. */
  message?: string | undefined;
  /** Settings of the session, for this run alone; those of the .gmrc come after them. */
  pgSettings: Record<string, string>;
  /** Instead of the one that the .gmrc names. */
  migrationsFolder?: string | undefined;
  /** Leaves out the actions that the .gmrc wants before, or after, all migrations. */
  without?: ("beforeAllMigrations" | "afterAllMigrations")[];
}

/** The parts of an error that can be sent. */
export interface ChildError {
  message: string;
  /** SQLSTATE, where the server raised it. */
  code?: string | undefined;
  hint?: string | undefined;
}

type Settings = Record<string, unknown>;

const require = createRequire(import.meta.url);
const { getSettings } = require("graphile-migrate/dist/commands/_common.js") as {
  getSettings(options: { configFile: string }): Promise<Settings>;
};
const graphile = require("graphile-migrate") as {
  migrate(settings: Settings): Promise<void>;
  commit(settings: Settings, message?: string): Promise<void>;
  uncommit(settings: Settings): Promise<void>;
  watch(settings: Settings, once: boolean): Promise<void>;
};

const run: Record<ChildTask["command"], (settings: Settings, message?: string) => Promise<void>> = {
  migrate: graphile.migrate,
  commit: graphile.commit,
  uncommit: graphile.uncommit,
  // applies current.sql
  current: (settings) => graphile.watch(settings, true),
};

// The channel closes with the parent, however that ends, kill -9 included. The server notices that its client is gone by
// client_connection_check_interval, and rolls back.
process.once("disconnect", () => process.exit(1));
// A terminal sends these to both of us: what becomes of the migration is the parent's to say.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
process.once("message", (task) => void perform(task as ChildTask));

async function perform(task: ChildTask): Promise<void> {
  try {
    const settings = await settingsFor(task);
    await run[task.command](settings, task.message);
    process.removeAllListeners("disconnect").disconnect?.();
  } catch (error) {
    const { message, code, hint } = error as ChildError;
    process.send?.({ message, code, hint } satisfies ChildError, () => process.exit(1));
  }
}

async function settingsFor(task: ChildTask): Promise<Settings> {
  const { config, pgSettings, migrationsFolder, without = [] } = task;
  const own = await getSettings({ configFile: config });
  return {
    ...own,
    pgSettings: { ...pgSettings, ...(own.pgSettings as object | undefined) },
    ...(migrationsFolder ? { migrationsFolder } : {}),
    ...Object.fromEntries(without.map((name) => [name, []])),
  };
}
