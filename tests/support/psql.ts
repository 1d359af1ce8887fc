import { spawn, spawnSync } from "node:child_process";
import pg from "pg";

const isThere = spawnSync("psql", ["--version"]).status === 0;

/**
 * Runs a script as people do, `psql -f`, and goes on behind what fails.
 * @returns the messages of what failed. Where there is no psql, the script goes in one message, and the first failure ends it.
 */
export async function runScript(url: string, script: string): Promise<string[]> {
  return isThere ? throughPsql(url, script) : inOneMessage(url, script);
}

async function throughPsql(url: string, script: string): Promise<string[]> {
  const child = spawn("psql", ["--no-psqlrc", "--quiet", "--file=-", url], {
    env: { ...process.env, PGOPTIONS: "-c client_min_messages=error" },
    stdio: ["pipe", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  child.stdin.end(script);
  await new Promise((resolve) => child.on("close", resolve));
  return errors.split("\n").filter((line) => /ERROR|FATAL|invalid|unterminated/.test(line));
}

async function inOneMessage(url: string, script: string): Promise<string[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(script);
    return [];
  } catch (error) {
    return [(error as Error).message];
  } finally {
    await client.end();
  }
}
