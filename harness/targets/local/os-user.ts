import { readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, resolve } from "node:path";
import { HarnessError } from "../../core/errors.ts";

export interface OsUser {
  name: string;
  uid: number;
  gid: number;
}

/** The entries of a passwd file. */
export function parsePasswd(text: string): OsUser[] {
  return text.split("\n").flatMap((line) => {
    const [name, , uid, gid] = line.split(":");
    return name && /^\d+$/.test(uid ?? "") && /^\d+$/.test(gid ?? "")
      ? [{ name, uid: Number(uid), gid: Number(gid) }]
      : [];
  });
}

/** Who runs a server that root starts: Postgres refuses to be root, and initdb wants a passwd entry. */
export function chooseServerUser(users: readonly OsUser[]): OsUser | undefined {
  const others = users.filter((user) => user.uid !== 0);
  const named = (name: string) => others.find((user) => user.name === name);
  return named("postgres") ?? named("nobody") ?? others[0];
}

/** The OS user that new servers run as; null means ourselves. */
export function serverUser(): OsUser | null {
  if (process.getuid?.() !== 0) return assertKnownUser();
  const chosen = chooseServerUser(parsePasswd(readFileSync("/etc/passwd", "utf8")));
  if (chosen) return chosen;
  throw new HarnessError({
    code: "no-server-user",
    message: "Postgres does not run as root, and /etc/passwd has no other user",
    hint: "Add an OS user, e.g. with `useradd --system postgres`.",
  });
}

function assertKnownUser(): null {
  try {
    userInfo();
    return null;
  } catch (cause) {
    throw new HarnessError({
      code: "no-server-user",
      message: `the user id ${process.getuid?.()} has no entry in /etc/passwd, and Postgres wants one`,
      hint: "Run as a user that has a name, or add an entry for this id.",
      cause,
    });
  }
}

/**
 * @throws HarnessError `state-unreachable` if a folder on the way is closed to the server's user, which
 * Postgres itself would report in a far more puzzling way.
 */
export function assertReachable(folder: string, user: OsUser | null): void {
  if (!user) return;
  for (let step = resolve(folder); ; step = dirname(step)) {
    const { mode, uid, gid } = statSync(step);
    const enter = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if (!(mode & enter)) {
      throw new HarnessError({
        code: "state-unreachable",
        message: `the OS user "${user.name}", as which root runs Postgres, cannot enter ${step}`,
        hint: "Set HARNESS_STATE to a folder that every user can enter, e.g. below /var/lib.",
      });
    }
    if (dirname(step) === step) return;
  }
}
