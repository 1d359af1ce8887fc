import { beforeAll, describe, expect, test } from "vitest";
import { checkSetup } from "../../harness/setup/setup.ts";
import { loadDemoData, testDatabase } from "../support/database.ts";
import { verifyDatabase } from "../support/verify.ts";
import { moveTo, newKey, sealAll } from "./support/pii.ts";

const { client, url } = await testDatabase();
const key = newKey();

beforeAll(() => loadDemoData(client, key));

describe.each(["expand", "backfilled", "verified", "switched", "retiring", "retired"])(
  "in phase %s",
  (phase) => {
    beforeAll(async () => {
      if (phase === "retired") await sealAll(client, key);
      if (phase !== "expand") await moveTo(client, phase, key);
    });

    test("verify finds nothing", async () => {
      const { failed, undecided } = await verifyDatabase(url);
      expect({ failed, undecided }).toEqual({ failed: [], undecided: [] });
    });

    test("set-up has nothing to add", async () => {
      expect((await checkSetup(client)).flatMap(({ missing }) => missing)).toEqual([]);
    });
  },
);
