import { expect, test } from "vitest";
import { oldestServer, refuseOldServer } from "../../harness/targets/session/connection.ts";

test.each(["13.23", "9.6.24", "13.1 (Debian 13.1-1)"])(
  "PostgreSQL %s is refused, with what is needed",
  (version) => {
    expect(() => refuseOldServer(version)).toThrow(
      expect.objectContaining({
        code: "server-too-old",
        hint: `harness needs PostgreSQL ${oldestServer} or newer.`,
      }),
    );
  },
);

test.each(["14.0", "15.18 (Debian 15.18-0+deb12u1)", "17.10", "19devel", ""])(
  "PostgreSQL %j is accepted",
  (version) => {
    expect(() => refuseOldServer(version)).not.toThrow();
  },
);
