import { flag, option } from "./option.ts";
import { count, table, uuid } from "./values.ts";

// Options that several verbs of `harness pii` have. Each stands here once.

export const oneTable = { table: option(table, "one protected table (default: all)") };

export const sealing = {
  batch: option(count("rows", { most: 100_000 }), "rows in a transaction", "2000"),
  rate: option(count("rows", { most: 10_000_000 }), "at most so many rows a second"),
  jobs: option(count("number", { most: 16 }), "connections at a time", "2"),
};

export const id = uuid("id");

export const ofTenant = {
  tenant: option(id, "whose customer, where several tenants have this id"),
};

export const withoutKey = {
  withoutKey: flag("do not look for an address that is sealed, which needs HARNESS_PII_KEY"),
};
