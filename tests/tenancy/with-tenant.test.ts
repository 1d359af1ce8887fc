import pg from "pg";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  HarnessError,
  type TenantContext,
  type TenantOptions,
  type TenantPool,
  type TenantQueries,
  withTenant,
} from "../../harness/index.ts";
import { testDatabase } from "../support/database.ts";

const osteria = "11111111-1111-4111-8111-111111111111";
const taverna = "22222222-2222-4222-8222-222222222222";

// The rooms' own policy and not the platform's: what is proved here holds for whatever reads the context.
const { url, client: admin } = await testDatabase("empty");
/** One connection, so that whatever a transaction left behind would meet the next one. */
let pool: pg.Pool;
/** Whom the pool has handed out last. */
let current: pg.PoolClient | undefined;

beforeAll(() =>
  admin.query(`
    create table rooms (name text primary key, restaurant_id uuid not null, twin text
      references rooms (name) deferrable initially deferred);
    grant select, insert on rooms to authenticated;
    alter table rooms enable row level security;
    create policy mine on rooms to authenticated using (restaurant_id::text = coalesce(
      nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'activeRestaurantId',
      current_setting('app.restaurant_id', true)));`),
);

beforeEach(async () => {
  await admin.query(
    `truncate rooms; insert into rooms values ('cellar', '${osteria}'), ('terrace', '${taverna}')`,
  );
  pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on("error", () => undefined);
  pool.on("acquire", (client) => {
    current = client;
  });
});

afterEach(() => pool.end());

const claims = (activeRestaurantId: string): TenantContext => ({ claims: { activeRestaurantId } });

function roomsOf(context: TenantContext, options?: TenantOptions): Promise<string[]> {
  return withTenant(
    pool,
    context,
    async (tenant) => names(await tenant.query("select name from rooms order by name")),
    options,
  );
}

const names = ({ rows }: pg.QueryResult) => rows.map((row) => row.name as string);
const stored = async () => names(await admin.query("select name from rooms order by name"));
const pidOf = async (queries: { query(text: string): Promise<pg.QueryResult> }) =>
  (await queries.query("select pg_backend_pid() as pid")).rows[0].pid as number;

/** Generous, since a slow machine is not a failure. */
const patience = 30_000;

async function untilGone(pid: number): Promise<void> {
  await vi.waitFor(async () => {
    const { rowCount } = await admin.query("select from pg_stat_activity where pid = $1", [pid]);
    expect(rowCount).toBe(0);
  }, patience);
}

/** Ends the connection of a transaction, and waits until its client has noticed too. */
async function sever(tenant: TenantQueries): Promise<void> {
  const pid = await pidOf(tenant);
  const noticed = new Promise<void>((resolve) => current?.once("end", resolve));
  await kill(pid);
  await noticed;
}

async function kill(pid: number): Promise<void> {
  await admin.query("select pg_terminate_backend($1)", [pid]);
  await untilGone(pid);
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error) => error,
  );
const codeOf = async (promise: Promise<unknown>) => {
  const error = await failure(promise);
  expect(error).toBeInstanceOf(HarnessError);
  return (error as HarnessError).code;
};

describe("who the transaction works for", () => {
  test("two tenants on one connection see their own rows only", async () => {
    const pid = await pidOf(pool);
    for (const [context, own] of [
      [claims(osteria), "cellar"],
      [claims(taverna), "terrace"],
      [{ settings: { "app.restaurant_id": osteria } }, "cellar"],
      [{ tenant: taverna }, "terrace"],
    ] as const) {
      expect(await roomsOf(context)).toEqual([own]);
    }
    expect(await pidOf(pool)).toBe(pid);
  });

  test("another tenant's row is not accepted", async () => {
    const insert = withTenant(pool, claims(osteria), (tenant) =>
      tenant.query("insert into rooms values ('attic', $1)", [taverna]),
    );
    expect(await failure(insert)).toMatchObject({ code: "42501" });
    expect(await stored()).toEqual(["cellar", "terrace"]);
  });

  test("{ tenant } sets what harness.config.json describes", async () => {
    const { rows } = await withTenant(pool, { tenant: osteria }, (tenant) =>
      tenant.query(`select current_user as role, current_setting('app.restaurant_id') as setting,
                           current_setting('request.jwt.claims')::jsonb as claims`),
    );
    expect(rows).toEqual([
      { role: "authenticated", setting: osteria, claims: { activeRestaurantId: osteria } },
    ]);
  });

  test("claims that somebody left on the connection do not speak", async () => {
    await pool.query(`set request.jwt.claims = '{"activeRestaurantId":"${taverna}"}'`);
    expect(await roomsOf({ settings: { "app.restaurant_id": osteria } })).toEqual(["cellar"]);
  });

  test.each([
    "'; drop table rooms; --",
    "x', true), set_config('role', 'neondb_owner', true), set_config('app.x', 'y",
    `${osteria}' or '1'='1`,
    '","activeRestaurantId":"11111111-1111-4111-8111-111111111111',
    "$1",
    "\\",
    "%",
  ])("an identifier is a value and nothing else: %s", async (evil) => {
    for (const context of [claims(evil), { tenant: evil }, { settings: { "app.restaurant_id": evil } }]) {
      expect(await roomsOf(context)).toEqual([]);
    }
    const { rows } = await withTenant(pool, claims(evil), (tenant) =>
      tenant.query(
        "select current_setting('request.jwt.claims')::jsonb ->> 'activeRestaurantId' as id, current_user as role",
      ),
    );
    expect(rows).toEqual([{ id: evil, role: "authenticated" }]);
    expect(await stored()).toEqual(["cellar", "terrace"]);
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a bare string", osteria],
    ["an empty object", {}],
    ["a role alone", { role: "authenticated" }],
    ["an empty tenant", { tenant: "" }],
    ["a missing tenant", { tenant: undefined }],
    ["a number", { tenant: 7 }],
    ["a NUL byte", { tenant: "a\0b" }],
    ["tenant and claims", { tenant: osteria, claims: {} }],
    ["claims that are a list", { claims: [] }],
    ["claims that are no JSON", { claims: { n: 1n } }],
    ["a misspelt key", { claim: { activeRestaurantId: osteria } }],
    ["a setting of the server", { settings: { role: "neondb_owner" } }],
    ["a setting that is no string", { settings: { "app.restaurant_id": 1 } }],
    ["claims twice", { claims: {}, settings: { "Request.JWT.claims": "{}" } }],
    ["the role none", { tenant: osteria, role: "none" }],
    ["an empty role", { tenant: osteria, role: "" }],
  ])("refused before anything happens: %s", async (_, context) => {
    const fn = vi.fn();
    expect(await codeOf(withTenant(pool, context as TenantContext, fn))).toBe("bad-tenant-context");
    expect(fn).not.toHaveBeenCalled();
    expect(pool.totalCount).toBe(0);
  });

  test.each([
    { maxIdleMs: -1 },
    { maxIdleMs: 1.5 },
    { maxIdleMs: Number.POSITIVE_INFINITY },
    { statementTimeoutMs: 2 ** 31 },
  ])("refused before anything happens: %o", async (options) =>
    expect(await codeOf(roomsOf(claims(osteria), options))).toBe("bad-tenant-option"),
  );

  test("a role that the connection cannot become is named, and the connection stays good", async () => {
    const pid = await pidOf(pool);
    expect(await codeOf(roomsOf({ ...claims(osteria), role: "no_such_role" }))).toBe("role-refused");
    expect(await codeOf(roomsOf({ ...claims(osteria), role: "cloud_admin" }))).toBe("role-refused");
    expect(await pidOf(pool)).toBe(pid);
  });
});

describe("the end of the transaction", () => {
  test("nothing is left on the connection", async () => {
    const state = `select pg_backend_pid() as pid, current_user as role, current_setting('request.jwt.claims', true) as claims,
      current_setting('app.restaurant_id', true) as setting, current_setting('statement_timeout') as limit,
      current_setting('idle_in_transaction_session_timeout') as idle,
      (select count(*)::int from pg_prepared_statements) as prepared`;
    await pool.query(
      "select set_config('request.jwt.claims', '', false), set_config('app.restaurant_id', '', false)",
    );
    const [before] = (await pool.query(state)).rows;
    await withTenant(
      pool,
      { tenant: osteria },
      (tenant) => tenant.query("insert into rooms values ($1, $2)", ["attic", osteria]),
      {
        statementTimeoutMs: 5_000,
      },
    );
    await failure(withTenant(pool, claims(osteria), (tenant) => tenant.query("select 1 / 0")));
    expect((await pool.query(state)).rows).toEqual([before]);
    expect(before).toMatchObject({ role: "neondb_owner", claims: "", setting: "", prepared: 0 });
  });

  test("a return commits and passes the value on", async () => {
    const value = { any: "thing" };
    const answer = withTenant(pool, claims(osteria), async (tenant) => {
      await tenant.query("insert into rooms values ('attic', $1)", [osteria]);
      return value;
    });
    expect(await answer).toBe(value);
    expect(await stored()).toContain("attic");
  });

  test("a throw rolls back and passes the error on", async () => {
    const mine = new Error("mine");
    const pid = await pidOf(pool);
    const work = withTenant(pool, claims(osteria), async (tenant) => {
      await tenant.query("insert into rooms values ('attic', $1)", [osteria]);
      throw mine;
    });
    expect(await failure(work)).toBe(mine);
    expect(await stored()).not.toContain("attic");
    expect(await pidOf(pool)).toBe(pid);
  });

  test("the function's error survives a rollback that fails", async () => {
    const mine = new Error("mine");
    const work = withTenant(pool, claims(osteria), async (tenant) => {
      await sever(tenant);
      throw mine;
    });
    expect(await failure(work)).toBe(mine);
    expect(await roomsOf(claims(osteria))).toEqual(["cellar"]);
  });

  test("an error that COMMIT brings to light passes through", async () => {
    const pid = await pidOf(pool);
    const work = withTenant(pool, claims(osteria), (tenant) =>
      tenant.query("insert into rooms values ('attic', $1, 'nowhere')", [osteria]),
    );
    expect(await failure(work)).toMatchObject({ code: "23503" });
    expect(await pidOf(pool)).toBe(pid);
  });

  test("an error that the function swallows does not pass for success", async () => {
    const work = withTenant(pool, claims(osteria), async (tenant) => {
      await tenant.query("insert into rooms values ('attic', $1)", [osteria]);
      await tenant.query("insert into rooms values ('attic', $1)", [osteria]).catch(() => undefined);
    });
    const error = await failure(work);
    expect(error).toMatchObject({ code: "transaction-aborted", cause: { code: "23505" } });
    expect(await stored()).not.toContain("attic");
  });

  test("a savepoint makes a failure harmless", async () => {
    await withTenant(pool, claims(osteria), async (tenant) => {
      await tenant.query("insert into rooms values ('attic', $1)", [osteria]);
      await tenant.query("savepoint here");
      await tenant.query("select 1 / 0").catch(() => undefined);
      await tenant.query("rollback to savepoint here");
    });
    expect(await stored()).toContain("attic");
  });

  test("the handle is of no use afterwards", async () => {
    const leak = await withTenant(pool, claims(osteria), async (tenant) => {
      await tenant.query("select 1");
      return tenant;
    });
    expect(await codeOf(leak.query("select 1"))).toBe("transaction-over");
  });

  test.each(["commit", "rollback", "commit; begin; commit"])(
    "a statement cannot end it: %s",
    async (text) => {
      const outside = vi.fn();
      const work = withTenant(pool, claims(osteria), async (tenant) => {
        await tenant.query("select 1");
        await tenant.query(text).catch(() => undefined);
        outside(await codeOf(tenant.query("insert into rooms values ('attic', $1)", [taverna])));
      });
      expect(await codeOf(work)).toBe("transaction-ended");
      expect(outside).toHaveBeenCalledWith("transaction-ended");
      expect(await stored()).not.toContain("attic");
    },
  );

  test("a connection on which the function set something for the session is not used again", async () => {
    const pid = await pidOf(pool);
    await withTenant(pool, claims(osteria), (tenant) => tenant.query("set local work_mem = '8MB'"));
    expect(await pidOf(pool)).toBe(pid);
    await withTenant(pool, claims(osteria), (tenant) => tenant.query("set role authenticated"));
    expect(await pidOf(pool)).not.toBe(pid);
  });

  test("statements asked for at once run in turn, awaited or not", async () => {
    const [first, second] = await withTenant(pool, claims(osteria), (tenant) => {
      const results = Promise.all([
        tenant.query("insert into rooms values ('attic', $1)", [osteria]),
        tenant.query("select name from rooms where name = 'attic'"),
      ]);
      for (const name of ["larder", "pantry", "porch"])
        void tenant.query("insert into rooms values ($1, $2)", [name, osteria]);
      return results;
    });
    expect([first.rowCount, second.rowCount]).toEqual([1, 1]);
    expect(await stored()).toEqual(["attic", "cellar", "larder", "pantry", "porch", "terrace"]);
  });
});

describe("a lost connection", () => {
  /** The pool, with the connections numbered in `broken` killed as soon as they are checked out. */
  function breaking(...broken: number[]): TenantPool & { checkouts: number } {
    return {
      checkouts: 0,
      async connect() {
        const client = await pool.connect();
        client.on("error", () => undefined);
        if (broken.includes(++this.checkouts)) await kill(await pidOf(client));
        return client;
      },
    };
  }

  test("before the first statement: once more, on another", async () => {
    const flaky = breaking(1);
    const fn = vi.fn(async (tenant: TenantQueries) => names(await tenant.query("select name from rooms")));
    expect(await withTenant(flaky, claims(osteria), fn)).toEqual(["cellar"]);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(flaky.checkouts).toBe(2);
  });

  test("not more than once", async () => {
    const flaky = breaking(1, 2, 3);
    expect(
      await failure(withTenant(flaky, claims(osteria), (tenant) => tenant.query("select 1"))),
    ).toBeInstanceOf(Error);
    expect(flaky.checkouts).toBe(2);
    expect(pool.totalCount).toBe(0);
  });

  test("never after a statement has run", async () => {
    const steady = breaking();
    const fn = vi.fn(async (tenant: TenantQueries) => {
      await tenant.query("insert into rooms values ('attic', $1)", [osteria]);
      await sever(tenant);
      await tenant.query("insert into rooms values ('pantry', $1)", [osteria]);
    });
    expect(await codeOf(withTenant(steady, claims(osteria), fn))).toBe("connection-lost");
    expect(fn).toHaveBeenCalledTimes(1);
    expect(steady.checkouts).toBe(1);
    expect(await stored()).toEqual(["cellar", "terrace"]);
  });

  test("in the middle of a statement: the driver's error, and no repetition", async () => {
    const steady = breaking();
    const work = withTenant(steady, claims(osteria), async (tenant) => {
      const pid = await pidOf(tenant);
      const statement = failure(tenant.query("select pg_sleep(60)"));
      await vi.waitFor(async () => {
        const { rows } = await admin.query("select wait_event from pg_stat_activity where pid = $1", [pid]);
        expect(rows).toEqual([{ wait_event: "PgSleep" }]);
      }, patience);
      await kill(pid);
      throw await statement;
    });
    expect(await failure(work)).toMatchObject({ code: "57P01" });
    expect(steady.checkouts).toBe(1);
    expect(await roomsOf(claims(osteria))).toEqual(["cellar"]);
  });

  test("between the last statement and COMMIT: not taken for success", async () => {
    const work = withTenant(pool, claims(osteria), async (tenant) => {
      await tenant.query("insert into rooms values ('attic', $1)", [osteria]);
      await sever(tenant);
    });
    expect(await codeOf(work)).toBe("connection-lost");
    expect(await stored()).not.toContain("attic");
  });
});

describe("never held without need", () => {
  test("a function that asks nothing takes no connection", async () => {
    expect(await withTenant(pool, claims(osteria), async () => 42)).toBe(42);
    expect(pool.totalCount).toBe(0);
  });

  test("whatever precedes the first statement holds nothing", async () => {
    await withTenant(pool, claims(osteria), async (tenant) => {
      // The pool's only connection is free for somebody else.
      expect(await roomsOf(claims(taverna))).toEqual(["terrace"]);
      expect(names(await tenant.query("select name from rooms"))).toEqual(["cellar"]);
    });
  });

  test("the server ends a transaction that waits between statements", async () => {
    const work = (thenAsk: boolean) =>
      withTenant(
        pool,
        claims(osteria),
        async (tenant) => {
          await tenant.query("insert into rooms values ('attic', $1)", [osteria]);
          await untilGone(await pidOf(tenant));
          if (thenAsk) await tenant.query("select 1");
        },
        { maxIdleMs: 20 },
      );
    for (const thenAsk of [true, false]) {
      const error = await failure(work(thenAsk));
      expect(error).toMatchObject({
        code: "transaction-held-open",
        hint: expect.stringContaining("maxIdleMs"),
      });
      expect(await stored()).not.toContain("attic");
    }
    expect(await roomsOf(claims(osteria))).toEqual(["cellar"]);
  });

  test.each([
    [{}, "1s", "0"],
    [{ maxIdleMs: 0 }, "0", "0"],
    [{ maxIdleMs: 30_000, statementTimeoutMs: 1_500 }, "30s", "1500ms"],
  ])("limits %o", async (options, idle, statement) => {
    const read = withTenant(
      pool,
      claims(osteria),
      (tenant) =>
        tenant.query(
          "select current_setting('idle_in_transaction_session_timeout') as idle, current_setting('statement_timeout') as statement",
        ),
      options,
    );
    expect((await read).rows).toEqual([{ idle, statement }]);
  });

  test("a statement that takes too long is cancelled", async () => {
    const work = withTenant(pool, claims(osteria), (tenant) => tenant.query("select pg_sleep(60)"), {
      statementTimeoutMs: 20,
    });
    expect(await failure(work)).toMatchObject({ code: "57014" });
  });
});
