import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { globSync } from "tinyglobby";
import { packageRoot } from "../../core/project.ts";
import { pgtapArchive } from "../../sql/pgtap-archive.ts";

/** Our own extensions: those of the managed platforms, rebuilt in SQL. */
function ownFiles(): string[] {
  const folder = join(packageRoot, "harness/targets/local/extensions");
  return globSync("*.{control,sql}", { cwd: folder, absolute: true }).sort();
}

/** Changes when any file changes that `addExtensions` would install. */
export function fingerprintExtensions(): string {
  const hash = createHash("sha256");
  for (const file of [...ownFiles(), pgtapArchive()]) hash.update(basename(file)).update(readFileSync(file));
  return hash.digest("hex").slice(0, 8);
}

/** Puts pg_session_jwt and pgTAP into a copy of the server. A pgTAP that the server brings itself stays. */
export async function addExtensions(server: string): Promise<void> {
  const folder = join(server, "share/postgresql/extension");
  for (const file of ownFiles()) copyFileSync(file, join(folder, basename(file)));
  if (!existsSync(join(folder, "pgtap.control"))) await extractPgtap(server);
  for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o644);
}

async function extractPgtap(server: string): Promise<void> {
  const tar = await import("tar");
  await tar.extract({
    file: pgtapArchive(),
    cwd: server,
    preserveOwner: false,
    filter: (path) => /\/extension\/pgtap(\.control|--[\d.]+\.sql)$/.test(path),
  });
}
