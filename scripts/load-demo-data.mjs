// Loads scripts/demo-data.sql into the local branch main, in one transaction.
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { $ } from "zx";
import { cli, root } from "./prepare.mjs";

export async function loadDemoData() {
  const url = (await $({ verbose: false, cwd: root })`node ${cli} branch url main`).stdout.trim();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("begin");
    await client.query("select set_config('app.pii.key', $1, true)", [demoKey()]);
    await client.query(readFileSync(join(root, "scripts", "demo-data.sql"), "utf8"));
    await client.query("commit");
    const { rows } = await client.query("select count(*)::int as restaurants from public.restaurants");
    return `Demo data: ${rows[0].restaurants} restaurants`;
  } finally {
    await client.end();
  }
}

/** A throw-away key for the guests of the demo, made once and kept beside the local branches, where git does not look. */
function demoKey() {
  const file = join(root, ".harness", "demo-pii-key");
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    const key = randomBytes(32).toString("hex");
    mkdirSync(join(root, ".harness"), { recursive: true });
    writeFileSync(file, `${key}\n`, { mode: 0o600 });
    return key;
  }
}
