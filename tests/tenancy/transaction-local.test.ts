import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";

// pgTAP runs in one transaction, and so can't see what outlives it.
const { client } = await testDatabase();
const tenant = "11111111-1111-4111-8111-111111111111";

const state = async () =>
  (
    await client.query(
      `select public.current_restaurant_id() as tenant, tenancy.current_job() as job,
              coalesce(current_setting('app.restaurant_id', true), '') as setting, coalesce(current_setting('app.job', true), '') as "jobSetting"`,
    )
  ).rows[0];

test.each(["commit", "rollback"])("context and job end with the transaction: %s", async (end) => {
  await client.query("begin");
  await client.query("select public.set_restaurant_context($1), tenancy.set_job('sweep')", [tenant]);
  expect(await state()).toMatchObject({ tenant, job: "sweep" });
  await client.query(end);
  expect(await state()).toEqual({ tenant: null, job: null, setting: "", jobSetting: "" });
});

test("outside a transaction they name nobody for the next statement", async () => {
  await client.query("select public.set_restaurant_context($1)", [tenant]);
  expect(await state()).toMatchObject({ tenant: null });
});
