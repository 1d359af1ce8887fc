#!/usr/bin/env node
import { type Command, Option } from "@commander-js/extra-typings";
import { findCommands } from "./command-line/find.ts";
import { programOf } from "./command-line/program.ts";
import { run } from "./command-line/run.ts";

// The command tree, and nothing else: what a command does is in commands/<verb>.ts, loaded when it runs.

const branchOption = () =>
  new Option("--branch <name>", "branch to work on: local, or of the configured Neon project");
const urlOption = () =>
  new Option(
    "--database-url <url>",
    "any Postgres, by URL (else DATABASE_URL, else PGHOST …, else local branch main)",
  );
const configOption = () =>
  new Option("--config <file>", "configuration (default: harness.config.json, found upwards)");
const confirmOption = () => new Option("--confirm <name>", "name a protected branch again, to write to it");
const jsonOption = () => new Option("--json", "JSON instead of text");
const contextOption = () =>
  new Option("--context <source>", "what says who the tenant is").choices(["claims", "setting", "both"]);
const collect = (value: string, previous: string[] | undefined) => [...(previous ?? []), value];
const outputOption = () =>
  new Option(
    "-o, --output <format[=path]>",
    "report format, repeatable: tty, json, sarif, junit, tap, github, markdown",
  ).argParser(collect);

const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const program = programOf(await findCommands(words)) as unknown as Command;

const branch = program.command("branch").description("local branches: one embedded Postgres each");
branch
  .command("create <name>")
  .description("create a branch")
  .option("--flavor <flavor>", "platform it behaves like: neon or plain", "neon")
  .option("--pg <major>", "PostgreSQL's major version", "17")
  .action(run(async (name, options) => (await import("./commands/branch.ts")).create(name, options)));
branch
  .command("list")
  .description("list the branches")
  .addOption(jsonOption())
  .action(run(async (options) => (await import("./commands/branch.ts")).list(options)));
branch
  .command("url <name>")
  .description("print a branch's URL, password included, and keep the branch running")
  .action(run(async (name) => (await import("./commands/branch.ts")).url(name)));
branch
  .command("start <name>")
  .description("start a branch and keep it running")
  .action(run(async (name) => (await import("./commands/branch.ts")).start(name)));
branch
  .command("stop <name>")
  .description("stop a branch")
  .action(run(async (name) => (await import("./commands/branch.ts")).stop(name)));
branch
  .command("delete <name>")
  .description("delete a branch and its data")
  .action(run(async (name) => (await import("./commands/branch.ts")).remove(name)));

program
  .command("setup")
  .description("per-branch set-up: extension, roles, membership, grants, default privileges")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(contextOption())
  .option("--check", "change nothing, say what is missing")
  .option("--yes", "go ahead on a database that is not of harness's making, having read the plan")
  .option("--verifier", "change nothing, print the SQL of a login that can run verify and nothing else")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/setup.ts")).setup(options)));

program
  .command("apply")
  .description("apply the committed migrations")
  .addOption(branchOption())
  .addOption(urlOption())
  .option(
    "--lock-timeout <seconds>",
    "longest wait for a lock that others may queue behind, each time (default: 0.5)",
  )
  .option("--wait <seconds>", "how long to go on trying for locks (default: 60)")
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/apply.ts")).apply(options)));

program
  .command("commit")
  .description(
    "turn current.sql, and what changed in packs, into the next committed migration, tried on a shadow database first",
  )
  .requiredOption("-m, --message <message>", "what the migration does, for its file name")
  .option("--pack <name>", "folder of policies/ whose changes it has, repeatable; all: every one", collect)
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/commit.ts")).commit(options)));

program
  .command("uncommit")
  .description("take the last migration back into current.sql and the packs; before anybody else has it")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/uncommit.ts")).uncommit(options)));

program
  .command("dev")
  .description(
    "apply current.sql and policies/ to a scratch copy whenever they change, and run the tests they touch",
  )
  .addOption(branchOption())
  .addOption(urlOption())
  .option("--once", "once, with the exit code of the tests")
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/dev.ts")).dev(options)));

program
  .command("snapshot")
  .description("write what a database is made of, in an order that stays the same; changes nothing")
  .addOption(branchOption())
  .addOption(urlOption())
  .option("--schema <name>", "only this schema, repeatable (default: all)", collect)
  .option("--diff <file>", "what is different from a snapshot in a file; exit code 1 if something is")
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/snapshot.ts")).snapshot(options)));

program
  .command("verify")
  .description("prove that no tenant reaches another's rows, or show the hole")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(outputOption())
  .addOption(jsonOption())
  .option(
    "--fail-on <severity>",
    "least severity that makes the exit code 1: low, medium, high, critical",
    "medium",
  )
  .option(
    "--fix [where]",
    "print the SQL that mends the findings, or append it: --fix=current; applies nothing",
  )
  .option("--baseline <file>", "known findings, which are not counted")
  .option("--write-baseline", "write what fails now to the --baseline file")
  .option("--prune-baseline", "remove what fails no more from the --baseline file")
  .addOption(new Option("--confirm <name>", "name a protected branch again, to probe it too"))
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/verify.ts")).verify(options)));

program
  .command("test [files...]")
  .description("run pgTAP files, each in a transaction on a database of its own")
  .addOption(branchOption())
  .addOption(urlOption())
  .option(
    "--in-place",
    "on the branch's own database, rolled back, instead of a copy of the migrated template",
  )
  .option("--jobs <number>", "files at a time")
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (files, options) => (await import("./commands/test.ts")).test(files, options)));

const outbox = program
  .command("outbox")
  .description("queues of events: dispatch them, look at them, mend them");
const queueOption = (which: string) => new Option("--queue <table>", which);
outbox
  .command("status")
  .description("backlog, retries, leases, what is dead, what holds back VACUUM; changes nothing")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(queueOption("one queue (default: all)"))
  .option("--top <number>", "tenants to list, those with most that is due (default: 10)")
  .addOption(jsonOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/outbox-status.ts")).outboxStatus(options)));
outbox
  .command("replay")
  .description("let dead events be tried again, from the first attempt")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(queueOption("queue (default: public.capacity_outbox)"))
  .option("--dead", "all that are dead")
  .option("--tenant <uuid>", "those of a tenant")
  .option("--id <id>", "one of them")
  .option("--limit <number>", "so many at most, the oldest first (default: 1000)")
  .option("--dry-run", "change nothing, say what would be replayed")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/outbox-replay.ts")).outboxReplay(options)));
outbox
  .command("reindex")
  .description("build the indexes of the queues anew while they are in use; mends invalid ones")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(queueOption("one queue (default: all)"))
  .option("--lock-timeout <seconds>", "how long to wait for other transactions (default: 10)")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/outbox-reindex.ts")).outboxReindex(options)));
outbox
  .command("dispatch")
  .description("the reference dispatcher: runs until SIGTERM or Ctrl-C")
  .requiredOption("--handler <file>", "ES module that exports the handler")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(queueOption("queue (default: public.capacity_outbox)"))
  .option("--job <name>", "name of the background job (default: outbox-dispatcher)")
  .option("--concurrency <number>", "handlers at a time (default: 10)")
  .option(
    "--per-tenant-running <number>",
    "handlers at a time of one tenant (default: half of --concurrency)",
  )
  .option(
    "--handler-timeout <seconds>",
    "a handler that takes longer is aborted, and its event has failed (default: 30)",
  )
  .option("--batch <number>", "events leased at a time, at most; from 100 on by pace (default: 2000)")
  .option("--per-tenant <number>", "events of a tenant in a round (default: 1, more in large claims)")
  .option("--lease <seconds>", "length of a lease, extended while needed (default: 60)")
  .option("--poll <seconds>", "longest pause between claims (default: 1)")
  .option("--sweep <seconds>", "pause between sweeps (default: 10)")
  .option("--grace <seconds>", "how long to wait for handlers when stopping (default: 20)")
  .option("--no-listen", "poll only")
  .option("--listen-url <url>", "direct URL for LISTEN, where the other is a pooler's")
  .option("--expire-holds", "also mark holds that expired")
  .option("--metrics-port <port>", "serve counters for Prometheus; 0 takes a free port")
  .option("--metrics-host <host>", "address to serve them on (default: 127.0.0.1)")
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/outbox-dispatch.ts")).dispatch(options)));

program
  .command("bench [scenarios...]")
  .description("measured comparisons: baseline and candidate alternate in one run")
  .addOption(branchOption())
  .addOption(urlOption())
  .option("--max <name<=value>", "exit 4 if a ratio is larger, repeatable", collect)
  .option("--rounds <number>", "measured rounds of each side")
  .option("--quick", "small data: tries the scenario out, measures nothing worth quoting")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (scenarios, options) => (await import("./commands/bench.ts")).bench(scenarios, options)));

const pii = program.command("pii").description("PII: encrypt columns, change keys, erase, export");
const tableOption = () => new Option("--table <table>", "one protected table (default: all)");
const batchOption = () => new Option("--batch <rows>", "rows in a transaction (default: 2000)");
const rateOption = () => new Option("--rate <rows>", "at most so many rows a second");
const jobsOption = () => new Option("--jobs <number>", "connections at a time (default: 2)");
pii
  .command("status")
  .description("phase, counts and keys; with HARNESS_PII_KEY every value is opened too; changes nothing")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(tableOption())
  .option("--no-open", "open no values, although there is a key")
  .addOption(jsonOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/pii-status.ts")).piiStatus(options)));
pii
  .command("backfill")
  .description("seal what stands in clear, or drop it where a table is retiring; can be killed and run again")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(tableOption())
  .addOption(batchOption())
  .addOption(rateOption())
  .addOption(jobsOption())
  .option("--dry-run", "change nothing, say what there is to do")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/pii-backfill.ts")).piiBackfill(options)));
pii
  .command("advance")
  .description("move a table to the next phase of its roll-out, if the phase's condition holds")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(tableOption())
  .option("--to <phase>", "the phase to move to, which has to be the next one or the one before")
  .option("--back", "to the phase before")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/pii-advance.ts")).piiAdvance(options)));
pii
  .command("rotate")
  .description(
    "new data keys, and with HARNESS_PII_NEW_KEY a new configured key; can be killed and run again",
  )
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(batchOption())
  .addOption(rateOption())
  .addOption(jobsOption())
  .option("--finish", "destroy the old keys; refused while a value is under one")
  .option("--wrapping-only", "change the configured key and touch no row")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/pii-rotate.ts")).piiRotate(options)));
pii
  .command("erase")
  .description("erase a customer, or every customer of a tenant and its keys; there is no way back")
  .addOption(branchOption())
  .addOption(urlOption())
  .option("--customer <id>", "the customer; with --tenant where several tenants have this id")
  .option("--tenant <id>", "alone: all of the tenant")
  .option("--yes [id]", "mean it; on a protected branch with the id once more")
  .option("--dry-run", "change nothing, say what would go")
  .option("--without-key", "do not look for an address that is sealed, which needs HARNESS_PII_KEY")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/pii-erase.ts")).piiErase(options)));
pii
  .command("find")
  .description("say where a customer's address, number or name stands; changes nothing, and shows no value")
  .addOption(branchOption())
  .addOption(urlOption())
  .requiredOption("--customer <id>", "the customer")
  .option("--tenant <id>", "whose customer, where several tenants have this id")
  .option(
    "--values <file>",
    "more to look for, a line each, such as the address of an erased one; - is stdin",
  )
  .option("--without-key", "do not look for an address that is sealed, which needs HARNESS_PII_KEY")
  .addOption(jsonOption())
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/pii-find.ts")).piiFind(options)));
pii
  .command("export")
  .description("print everything that is stored about a customer, in clear, as JSON")
  .addOption(branchOption())
  .addOption(urlOption())
  .requiredOption("--customer <id>", "the customer")
  .option("--tenant <id>", "whose customer, where several tenants have this id")
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/pii-export.ts")).piiExport(options)));

const partitions = program
  .command("partitions")
  .description("partitions by time: make them ahead, look at them, take expired ones away, convert tables");
const waitOption = () =>
  new Option(
    "--lock-timeout <seconds>",
    "longest wait for a lock that others may queue behind, each time (default: 0.5)",
  );
const endOption = () =>
  new Option("--expired <what>", "what becomes of expired partitions: keep, detach, archive or drop");
const archiveOption = () =>
  new Option("--archive-schema <name>", "where archived ones go (default: archive)");
partitions
  .command("status [table]")
  .description("tables partitioned by time: periods left, gaps, what is not isolated; changes nothing")
  .addOption(branchOption())
  .addOption(urlOption())
  .addOption(jsonOption())
  .addOption(configOption())
  .action(
    run(async (table, options) =>
      (await import("./commands/partitions-status.ts")).partitionsStatus(table, options),
    ),
  );
partitions
  .command("ensure [table]")
  .description("make the partitions ahead; with settings, keep a table up from now on")
  .addOption(branchOption())
  .addOption(urlOption())
  .option("--period <length>", "day, week, month, quarter or year")
  .option("--premake <periods>", "how many after the current one (default: 3)")
  .option("--time-zone <name>", "whose midnight is a bound (default: UTC)")
  .option("--retention <interval>", "how long rows are kept, such as '12 months'; none: for ever")
  .addOption(endOption())
  .addOption(archiveOption())
  .addOption(waitOption())
  .option("--dry-run", "change nothing, print the SQL")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(
    run(async (table, options) =>
      (await import("./commands/partitions-ensure.ts")).partitionsEnsure(table, options),
    ),
  );
partitions
  .command("prune [table]")
  .description("detach expired partitions, then keep, archive or drop them; can be killed and run again")
  .addOption(branchOption())
  .addOption(urlOption())
  .option("--older-than <interval>", "instead of the retention of the table")
  .addOption(endOption())
  .addOption(archiveOption())
  .option("--wait <seconds>", "longest wait for transactions that use the table (default: 60)")
  .addOption(waitOption())
  .option(
    "--no-concurrently",
    "detach in one go, which readers and writers wait for: beside a DEFAULT partition",
  )
  .option("--dry-run", "change nothing, say what would go")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(
    run(async (table, options) =>
      (await import("./commands/partitions-prune.ts")).partitionsPrune(table, options),
    ),
  );
partitions
  .command("maintain")
  .description("what cron runs: ensure and prune as is kept up for each table, and the outbox's archive")
  .addOption(branchOption())
  .addOption(urlOption())
  .option("--wait <seconds>", "longest wait for transactions that use a table (default: 60)")
  .addOption(waitOption())
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(
    run(async (options) => (await import("./commands/partitions-maintain.ts")).partitionsMaintain(options)),
  );
partitions
  .command("convert <table>")
  .description("partition a table while it is in use; run again, it goes on where it stopped")
  .addOption(branchOption())
  .addOption(urlOption())
  .option("--key <column>", "column to partition by: a date or a timestamp")
  .option("--period <period>", "day, week, month, quarter or year (default: month)")
  .option("--time-zone <zone>", "whose midnight bounds partitions of a timestamptz (default: UTC)")
  .option("--method <method>", "attach or shadow (default: by the rule in docs/partitions-convert.md)")
  .option("--extend-keys", "add the column to unique keys that lack it")
  .option("--premake <number>", "periods ahead (default: 3)")
  .option("--retention <interval>", "how long rows are to be kept: '12 months'")
  .option("--max-partitions <number>", "refuse to make more, as for a row of 9999-12-31 (default: 500)")
  .option("--batch <rows>", "rows in a transaction, at most (default: 5000)")
  .option("--rate <rows>", "at most so many rows a second")
  .option("--lock-timeout <seconds>", "how long writers may queue behind a lock, each time (default: 0.05)")
  .option(
    "--wait <seconds>",
    "longest wait for such locks, and for transactions older than the copy (default: 600)",
  )
  .option("--pause-before-swap", "do everything but the swap")
  .option("--rollback", "leave nothing of a conversion that has not been swapped")
  .option("--finish", "drop the old table that is kept after the swap")
  .option("--dry-run", "change nothing, say what would be done and what stands in the way")
  .addOption(jsonOption())
  .addOption(confirmOption())
  .addOption(configOption())
  .action(
    run(async (table, options) =>
      (await import("./commands/partitions-convert.ts")).partitionsConvert(table, options),
    ),
  );

program
  .command("init")
  .description("find out how a database tells tenants apart, and write it into harness.config.json")
  .addOption(branchOption())
  .addOption(urlOption())
  .option("--stdout", "print it, write nothing")
  .option("--force", "overwrite the file that is there")
  .addOption(configOption())
  .action(run(async (options) => (await import("./commands/init.ts")).init(options)));

await program.parseAsync();
