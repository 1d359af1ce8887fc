import { command } from "../../command-line/command.ts";
import { flag, option, required, switchedOff } from "../../command-line/option.ts";
import { withTarget } from "../../command-line/session.ts";
import { writing } from "../../command-line/shared-options.ts";
import { count, path, seconds, table, text } from "../../command-line/values.ts";
import { exitCodes } from "../../core/errors.ts";

const upTo = (most: number) => count("number", { most });

/** Exit code 130, as with every command that is interrupted. */
export default command({
  summary: "the reference dispatcher: runs until SIGTERM or Ctrl-C",
  options: {
    handler: required(path(), "ES module that exports the handler"),
    queue: option(table, "queue (default: public.capacity_outbox)"),
    job: option(text("name"), "name of the background job", "outbox-dispatcher"),
    concurrency: option(upTo(1000), "handlers at a time", "10"),
    perTenantRunning: option(upTo(1000), "handlers at a time of one tenant (default: half of --concurrency)"),
    handlerTimeout: option(
      seconds({ least: 0.01, most: 86_400 }),
      "a handler that takes longer is aborted, and its event has failed",
      "30",
    ),
    batch: option(upTo(10_000), "events leased at a time, at most; from 100 on by pace", "2000"),
    perTenant: option(upTo(10_000), "events of a tenant in a round (default: 1, more in large claims)"),
    lease: option(seconds({ least: 1, most: 86_400 }), "length of a lease, extended while needed", "60"),
    poll: option(seconds({ least: 0.01, most: 3600 }), "longest pause between claims", "1"),
    sweep: option(seconds({ least: 0.1, most: 3600 }), "pause between sweeps", "10"),
    grace: option(seconds({ least: 0, most: 3600 }), "how long to wait for handlers when stopping", "20"),
    listen: switchedOff("poll only"),
    listenUrl: option(text("url"), "direct URL for LISTEN, where the other is a pooler's"),
    expireHolds: flag("also mark holds that expired"),
    metricsPort: option(
      count("port", { least: 0, most: 65_535 }),
      "serve counters for Prometheus; 0 takes a free port",
    ),
    metricsHost: option(text("host"), "address to serve them on", "127.0.0.1"),
    ...writing,
  },
  async run({ handler: file, handlerTimeout, lease, poll, sweep, grace, ...options }) {
    const { loadHandler } = await import("../../outbox/load-handler.ts");
    const { runDispatcher } = await import("../../outbox/run-dispatcher.ts");
    const handler = await loadHandler(file);
    return withTarget(options, "writes", async ({ target }) => {
      await runDispatcher(target, {
        ...options,
        handler,
        perTenantRunning: options.perTenantRunning ?? Math.ceil(options.concurrency / 2),
        handlerTimeoutMs: handlerTimeout,
        leaseMs: lease,
        pollMs: poll,
        sweepMs: sweep,
        graceMs: grace,
      });
      return { exitCode: exitCodes.interrupted };
    });
  },
});
