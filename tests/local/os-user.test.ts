import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assertReachable, chooseServerUser, parsePasswd } from "../../harness/targets/local/os-user.ts";

const passwd = [
  "root:x:0:0:root:/root:/bin/bash",
  "toor:x:0:0:root too:/root:/bin/bash",
  "daemon:x:1:2:daemon:/usr/sbin:/usr/sbin/nologin",
  "nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin",
  "+::::::",
  "",
  "postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash",
  "",
].join("\n");
const without = (...names: string[]) => parsePasswd(passwd).filter((user) => !names.includes(user.name));

describe("who runs a server that root starts", () => {
  test("postgres, if there is one", () => {
    expect(chooseServerUser(parsePasswd(passwd))).toEqual({ name: "postgres", uid: 101, gid: 104 });
  });

  test("nobody otherwise", () => {
    expect(chooseServerUser(without("postgres"))).toEqual({ name: "nobody", uid: 65534, gid: 65533 });
  });

  test("the first that is not root, under whatever name, if there is neither", () => {
    expect(chooseServerUser(without("postgres", "nobody"))).toEqual({ name: "daemon", uid: 1, gid: 2 });
  });

  test("no user at all if all are root", () => {
    expect(chooseServerUser(without("postgres", "nobody", "daemon"))).toBeUndefined();
  });
});

describe("a state folder that the server's user cannot enter", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "harness-reach-"));
    mkdirSync(join(folder, "inside"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const stranger = { name: "stranger", uid: 4_000_001, gid: 4_000_001 };

  test("is named", () => {
    chmodSync(folder, 0o700);
    expect(() => assertReachable(join(folder, "inside"), stranger)).toThrowError(
      expect.objectContaining({ code: "state-unreachable", message: expect.stringMatching(`${folder}$`) }),
    );
  });

  test("is none if everybody may pass", () => {
    chmodSync(folder, 0o711);
    expect(() => assertReachable(join(folder, "inside"), stranger)).not.toThrow();
  });

  test("is none if it is the user's own", () => {
    chmodSync(folder, 0o700);
    const { uid, gid } = statSync(folder);
    chmodSync(join(folder, "inside"), 0o700);
    expect(() => assertReachable(join(folder, "inside"), { name: "owner", uid, gid })).not.toThrow();
  });

  test("does not matter to a server that runs as ourselves", () => {
    chmodSync(folder, 0o700);
    expect(() => assertReachable(folder, null)).not.toThrow();
  });
});
