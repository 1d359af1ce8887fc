import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { harness } from "../support/cli.ts";
import { testDatabase } from "../support/database.ts";
import { addRestaurant, as, moveTo, newKey, sealAll } from "./support/pii.ts";
import { placesOf } from "./support/plaintext.ts";

// A guest about whom everything that can hold words says something, beside another guest with the same family name; in the phase in
// which the address stands in clear, and in the last one, in which only the key tells what to look for.
const tenant = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const guest = "aaaaaaaa-0000-4000-8000-0000000000aa";
const twin = "aaaaaaaa-0000-4000-8000-0000000000bb";
const key = newKey();
const codeOf = (stderr: string) => /^harness: [^\n]+\[([a-z-]+)\]\n$/.exec(stderr)?.[1];
const traces = ["zerlina", "quux-", "3331234567", "nut allergy", "1980-01-01"];

async function databaseWith(guestRows: "expand" | "retired") {
  const { client, url } = await testDatabase();
  await addRestaurant(client, tenant);
  await as(client, { role: "app_background", key }, async () => {
    await client.query(
      `insert into public.customers (restaurant_id, id, full_name, email, phone, notes) values
         ($1, $2, 'Zerlina Quux', 'zerlina@quux.example', '+39 333 1234567', 'nut allergy'),
         ($1, $3, 'Bo Quux', 'bo@quux.example', null, 'son of zerlina@quux.example')`,
      [tenant, guest, twin],
    );
    await client.query(
      `insert into public.bookings (restaurant_id, id, customer_id, reference, party_size, booking_date, starts_at, ends_at, notes)
       values ($1, 'bbbbbbbb-0000-4000-8000-0000000000bb', $2, 'QUUX-ZERLINA-1', 2, current_date, now(), now() + interval '1 h', 'for Zerlina'),
              ($1, 'bbbbbbbb-0000-4000-8000-0000000000cc', $2, 'R-000777', 2, current_date, now(), now() + interval '1 h', null)`,
      [tenant, guest],
    );
    await client.query(
      `insert into public.analytics_events (restaurant_id, event_name, occurred_at, properties)
       select $1, 'e', now(), p::jsonb from unnest(array[
         '{"customer_id":"aaaaaaaa-0000-4000-8000-0000000000aa","name":"Zerlina Quux"}', '{"email":"zerlina@quux.example","born":"1980-01-01"}', '{"name":"Bo"}']) as p`,
      [tenant],
    );
    await client.query(
      `insert into public.observability_events (restaurant_id, source, event_type, severity, context)
       values ($1, 'mailer', 'bounce', 'error', '{"log":"<ZERLINA@quux.example>: no mailbox","tries":[{"to":"+39 333 123 45 67"}]}')`,
      [tenant],
    );
    await client.query(
      `select outbox.enqueue('guest.seated', '{"customer_id":"aaaaaaaa-0000-4000-8000-0000000000aa","guest":{"first":"Zerlina","last":"Quux"},"recipients":["Zerlina Quux"],"phone":393331234567,"title":"Zerlina Quux, table 4","born":"1980-01-01"}', 'zerlina@quux.example', tenant => $1)`,
      [tenant],
    );
    for (const [type, payload] of [
      ["to-guest", { to: "zerlina@quux.example", body: "Dear Zerlina" }],
      ["to-twin", { to: "bo@quux.example", cc: ["zerlina@quux.example"], body: "Dear Bo" }],
      ["of-booking", { to: "x", reference: "R-000777" }],
      ["to-another", { to: "ada@guests.example", body: "Dear Ada" }],
    ] as const) {
      await client.query(
        `insert into public.outbox (restaurant_id, destination, event_type, aggregate_type, aggregate_id, payload)
         values ($1, 'email', $2, 'x', 'cccccccc-0000-4000-8000-0000000000cc', $3)`,
        [tenant, type, payload],
      );
    }
  });
  if (guestRows === "retired") {
    for (const phase of ["backfilled", "verified", "switched", "retiring"]) await moveTo(client, phase, key);
    await sealAll(client, key);
    await moveTo(client, "retired", key);
  }
  const pii = (args: string[], env: Record<string, string> = {}) =>
    harness(["pii", ...args, "--database-url", url], { env });
  return { client, url, pii };
}

const left = async (client: Awaited<ReturnType<typeof databaseWith>>["client"]) => {
  const places: Record<string, string[]> = {};
  for (const trace of traces) {
    const found = await placesOf(client, trace);
    if (found.length > 0) places[trace] = found;
  }
  return places;
};

describe("in clear", () => {
  let db: Awaited<ReturnType<typeof databaseWith>>;
  beforeAll(async () => {
    db = await databaseWith("expand");
  });

  test("--dry-run says what would go, wants no --yes, and changes nothing", async () => {
    const before = await left(db.client);
    const { status, stdout, stderr } = await db.pii(["erase", "--customer", guest, "--dry-run"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^Would erase customer .* 2 customers, .* 2 waiting events that are not sent\n/);
    expect(stdout).toMatch(/Nothing was changed\n$/);
    expect(await left(db.client)).toEqual(before);
    expect(Object.keys(before).sort()).toEqual([...traces].sort());
  });

  test("find says where, and shows no value", async () => {
    const { status, stdout } = await db.pii(["find", "--customer", guest]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^public\.observability_events +context +1 +json$/m);
    expect(stdout).toMatch(/^public\.capacity_outbox +dedupe_key +1 +code$/m);
    expect(stdout).toMatch(/^public\.customers +email +1 +sealed$/m);
    expect(stdout).not.toMatch(/zerlina|quux|333/i);
  });

  test("erased: nothing of the guest is left, what waited for the guest is dead, the others' is as it was", async () => {
    const rehearsal = JSON.parse(
      (await db.pii(["erase", "--customer", guest, "--dry-run", "--json"])).stdout,
    );
    const { status, stdout } = await db.pii(["erase", "--customer", guest, "--yes", "--json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).cleared).toEqual(rehearsal.cleared);
    expect(rehearsal.cleared).toEqual({
      customers: 2,
      bookings: 1,
      analytics_events: 2,
      observability_events: 1,
      capacity_outbox: 1,
      outbox: 3,
      buried: 2,
    });
    expect(await left(db.client)).toEqual({});
    const { rows } = await as(db.client, { role: "app_background" }, () =>
      db.client.query("select event_type, status, dead_reason, payload from public.outbox order by id"),
    );
    expect(rows).toEqual([
      {
        event_type: "to-guest",
        status: "dead",
        dead_reason: "erased",
        payload: { to: "[erased]", body: "[erased]" },
      },
      {
        event_type: "to-twin",
        status: "pending",
        dead_reason: null,
        payload: { to: "bo@quux.example", cc: ["[erased]"], body: "Dear Bo" },
      },
      {
        event_type: "of-booking",
        status: "dead",
        dead_reason: "erased",
        payload: { to: "[erased]", reference: "R-000777" },
      },
      {
        event_type: "to-another",
        status: "pending",
        dead_reason: null,
        payload: { to: "ada@guests.example", body: "Dear Ada" },
      },
    ]);
    expect(await placesOf(db.client, "Bo Quux")).toEqual(["public.customers.full_name"]);
    expect(await placesOf(db.client, "R-000777")).toContain("public.bookings.reference");
  });

  test("who was erased is looked for by what is given, and a column that nobody registered is named", async () => {
    await db.client.query(`create table public.surveys (restaurant_id uuid not null, id uuid not null default gen_random_uuid(), remark text, primary key (restaurant_id, id));
      select tenancy.protect('public.surveys', 'restaurant_id');`);
    await as(db.client, { role: "app_background" }, () =>
      db.client.query(
        "insert into public.surveys (restaurant_id, remark) values ($1, 'call 333 123 4567 (Zerlina  Quux)')",
        [tenant],
      ),
    );
    expect((await db.pii(["find", "--customer", guest])).stdout).toBe("nothing of the guest was found\n");
    for (const value of ["zerlina@quux.example", "+39 333 1234567", "Zerlina Quux"]) {
      const { status, stdout } = spawnSync(
        process.execPath,
        [
          join(packageRoot, "dist/cli.js"),
          "pii",
          "find",
          "--database-url",
          db.url,
          "--customer",
          guest,
        ].concat(["--values", "-"]),
        { input: `${value}\n`, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
      );
      const found = value.includes("@")
        ? { status: 0, place: "nothing of the guest was found" }
        : { status: 1, place: "public.surveys" };
      expect({ value, status, place: stdout.slice(0, 200).includes(found.place) }).toEqual({
        value,
        status: found.status,
        place: true,
      });
    }
  });
});

describe("sealed", () => {
  let db: Awaited<ReturnType<typeof databaseWith>>;
  beforeAll(async () => {
    db = await databaseWith("retired");
  });

  test.each([["erase", "--yes"], ["erase", "--dry-run"], ["find"]])(
    "%s without the key is refused, since what to look for is gone afterwards",
    async (command, ...args) => {
      const { status, stdout, stderr } = await db.pii([command, "--customer", guest, ...args]);
      expect({ status, stdout, code: codeOf(stderr) }).toEqual({
        status: 2,
        stdout: "",
        code: "missing-pii-key",
      });
      expect(stderr).toContain("--without-key");
    },
  );

  test("nor with another key", async () => {
    const { status, stderr } = await db.pii(["erase", "--customer", guest, "--yes"], {
      HARNESS_PII_KEY: newKey(),
    });
    expect({ status, code: codeOf(stderr) }).toEqual({ status: 2, code: "wrong-pii-key" });
    expect(await placesOf(db.client, "Zerlina Quux")).toContain("public.customers.full_name");
  });

  test("with the key nothing is left", async () => {
    const { status, stderr } = await db.pii(["erase", "--customer", guest, "--yes"], {
      HARNESS_PII_KEY: key,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(await left(db.client)).toEqual({});
  });
});

test("without the key, because it is lost: what says so by id goes, and the rest is named afterwards", async () => {
  const db = await databaseWith("retired");
  const { status } = await db.pii(["erase", "--customer", guest, "--yes", "--without-key"]);
  expect(status).toBe(0);
  expect(Object.keys(await left(db.client))).toContain("zerlina");
  expect(await placesOf(db.client, "QUUX-ZERLINA")).toEqual([]);
});

test("a policy or a trigger that keeps erasure out, and a registered column that was renamed: refused, and nothing is changed", async () => {
  const db = await databaseWith("expand");
  const before = await left(db.client);
  const refused = async (what: RegExp) => {
    const { status, stdout, stderr } = await db.pii(["erase", "--customer", guest, "--yes"]);
    expect({ status, stdout, code: codeOf(stderr) }).toEqual({
      status: 1,
      stdout: "",
      code: "erasure-incomplete",
    });
    expect(stderr).toMatch(what);
    expect(await left(db.client)).toEqual(before);
  };
  await db.client.query(
    "create policy frozen on public.analytics_events as restrictive for update to public using (false)",
  );
  await refused(/2 rows of public\.analytics_events could not be cleared/);
  await db.client.query("drop policy frozen on public.analytics_events");
  await db.client.query(`create function public.keep() returns trigger language plpgsql as 'begin return old; end';
    create trigger keep before update on public.bookings for each row execute function public.keep()`);
  await refused(/1 rows of public\.bookings could not be cleared/);
  await db.client.query("drop trigger keep on public.bookings");
  await db.client.query("alter table public.bookings rename column notes to remarks");
  const { status, stderr } = await db.pii(["erase", "--customer", guest, "--yes"]);
  expect({ status, code: codeOf(stderr) }).toEqual({ status: 1, code: "erasure-incomplete" });
  expect(stderr).toContain("public.bookings.notes is registered");
  expect(await placesOf(db.client, "for Zerlina")).toEqual(["public.bookings.remarks"]);
});
