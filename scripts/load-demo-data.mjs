// Loads scripts/demo-data.sql into the local branch main, in one transaction.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { $ } from "zx";
import { cli, root } from "./prepare.mjs";

export async function loadDemoData() {
  const url = (await $({ verbose: false, cwd: root })`node ${cli} branch url main`).stdout.trim();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`begin; ${readFileSync(join(root, "scripts", "demo-data.sql"), "utf8")}; commit;`);
    const { rows } = await client.query("select count(*)::int as restaurants from public.restaurants");
    return `Demo data: ${rows[0].restaurants} restaurants`;
  } finally {
    await client.end();
  }
}
