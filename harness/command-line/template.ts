import type { Client } from "pg";
import { migrationsAgainstPacks as migrationsDifference } from "../migrate/pack-difference.ts";
import * as migrate from "../migrate/template.ts";
import { installPgtap } from "../pgtap/install.ts";
import { applySetup } from "../setup/setup.ts";
import { inTransaction } from "../sql/transaction.ts";

// Set-up, migrations and pgTAP know nothing of each other: here they come together.

export const templateSteps: migrate.TemplateSteps = {
  before: (client) => applySetup(client),
  after: (client) => inTransaction(client, "read write", () => installPgtap(client)),
};

/** @see migrate.migratedTemplate */
export const migratedTemplate = (admin: Client, url: string, root: string): Promise<string> =>
  migrate.migratedTemplate(admin, url, root, templateSteps);

/** @see migrate.committedTemplate */
export const committedTemplate = (admin: Client, url: string, root: string): Promise<string> =>
  migrate.committedTemplate(admin, url, root, templateSteps);

/** @see migrationsDifference */
export const migrationsAgainstPacks = (admin: Client, url: string, root: string): Promise<string> =>
  migrationsDifference(admin, url, root, templateSteps);
