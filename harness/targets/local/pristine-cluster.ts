import { createHash } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyTree } from "./copy-tree.ts";
import { publishFolder } from "./draft-folder.ts";
import type { LocalFlavor } from "./flavor.ts";
import type { OsUser } from "./os-user.ts";
import type { ServerFiles } from "./server-files.ts";
import { runServerTool } from "./server-tool.ts";

/**
 * Nobody gets in but by password and over TCP. A socket file with trust would make a superuser of every
 * local user.
 */
const hostBasedAuthentication =
  "# TYPE DATABASE USER ADDRESS METHOD\nhost all all 127.0.0.1/32 scram-sha-256\n";

/**
 * Lays a data folder of the flavor down at `target`, which belongs to `user`. It is the copy of one that was made
 * once, since copying is four times as fast as initdb; that one has no passwords, so nobody can log in to it.
 */
export async function layDownCluster(
  server: ServerFiles,
  flavor: LocalFlavor,
  target: string,
  user: OsUser | null,
): Promise<void> {
  const recipe = [initdbOptions(server, flavor), hostBasedAuthentication, flavor.sql];
  const hash = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 8);
  const pristine = join(server.folder, `cluster-${flavor.name}-${hash}`);
  if (!existsSync(pristine)) {
    await publishFolder(pristine, (draft) => makeCluster(server, flavor, draft, user));
  }
  copyTree(pristine, target, { folderMode: 0o700, fileMode: () => 0o600, owner: user });
}

function initdbOptions(server: ServerFiles, flavor: LocalFlavor): string[] {
  const locale = server.major >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : [];
  const access = ["-U", flavor.superuser, "--auth=reject"];
  return [...access, "--encoding=UTF8", ...locale, "--locale=C", "--no-sync", "--no-instructions"];
}

async function makeCluster(
  server: ServerFiles,
  flavor: LocalFlavor,
  data: string,
  user: OsUser | null,
): Promise<void> {
  mkdirSync(data);
  chmodSync(data, 0o700);
  if (user) chownSync(data, user.uid, user.gid);
  const initdb = join(server.folder, "bin/initdb");
  await runServerTool(initdb, ["-D", data, ...initdbOptions(server, flavor)], { user });
  writeFileSync(join(data, "pg_hba.conf"), hostBasedAuthentication);
  await runSql(server, data, "postgres", `create database ${flavor.database} template template0`, user);
  await runSql(server, data, flavor.database, flavor.sql, user);
}

/**
 * Runs SQL as the bootstrap superuser on a data folder that no server runs on: as one transaction, but for what
 * refuses to be in one, and without a port or a log.
 */
export async function runSql(
  server: ServerFiles,
  data: string,
  database: string,
  sql: string,
  user: OsUser | null,
): Promise<void> {
  const settings = ["exit_on_error=on", "fsync=off", "log_checkpoints=off", "log_min_error_statement=panic"];
  // Passwords here are random 128 bits: stretching them protects nothing and costs each connection a millisecond or two.
  if (server.major >= 16) settings.push("scram_iterations=1");
  // With -j an empty line ends a statement; without empty lines the whole text is one.
  const input = `${sql.trim().replace(/\n\s*\n/g, "\n")}\n`;
  await runServerTool(
    join(server.folder, "bin/postgres"),
    ["--single", "-j", "-D", data, ...settings.flatMap((setting) => ["-c", setting]), database],
    { user, input },
  );
}
