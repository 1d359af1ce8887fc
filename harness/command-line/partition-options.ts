import { actions, periods } from "../partitions/settings.ts";
import { optional } from "./argument.ts";
import { option } from "./option.ts";
import { choice, count, seconds, table, text } from "./values.ts";

// Options that several verbs of `harness partitions` have. Each stands here once.

export const oneTable = { table: optional(table, "one table (default: all)") };

export const period = choice("length", periods);

export const premake = count("periods", { least: 0, most: 1000 });

export const ending = {
  expired: option(
    choice("what", actions),
    "what becomes of expired partitions: keep, detach, archive or drop",
  ),
  archiveSchema: option(text("name"), "where archived ones go (default: archive)"),
};

export const lockTimeout = {
  lockTimeout: option(seconds(), "longest wait for a lock that others may queue behind, each time", "0.5"),
};
