import type { AddressInfo } from "node:net";
import type { DatabaseOptions } from "../command-line/database-options.ts";
import { onConnection, withTarget } from "../command-line/session.ts";
import { onExit } from "../core/cleanup.ts";
import { type ExitCode, exitCodes, HarnessError } from "../core/errors.ts";
import { redact } from "../core/redaction.ts";
import { type DispatchNumbers, dispatchNumbers } from "../outbox/dispatch-settings.ts";
import { Dispatcher } from "../outbox/dispatcher.ts";
import { loadHandler } from "../outbox/load-handler.ts";
import { Metrics, serveMetrics } from "../outbox/metrics.ts";
import type { RegisteredQueue } from "../outbox/queues.ts";
import { findQueue } from "../outbox/queues.ts";
import { surviveStrayErrors } from "../outbox/stray-errors.ts";
import { whileServerStarts } from "../outbox/while-server-starts.ts";
import { connect } from "../targets/session/connection.ts";
import { isPooled } from "../targets/session/connection-url.ts";
import { note } from "../terminal/output.ts";

export interface DispatchOptions extends DatabaseOptions, DispatchNumbers {
  handler: string;
  queue?: string | undefined;
  job?: string | undefined;
  /** False: polling only. */
  listen?: boolean | undefined;
  listenUrl?: string | undefined;
  expireHolds?: boolean | undefined;
  metricsPort?: string | undefined;
  metricsHost?: string | undefined;
}

/** Dispatches until SIGTERM or Ctrl-C; exit code 130 then, as with every command that is interrupted. */
export async function dispatch(options: DispatchOptions): Promise<ExitCode> {
  const numbers = dispatchNumbers(options);
  const port = portOf(options.metricsPort);
  const handler = await loadHandler(options.handler);
  return withTarget(options, "writes", async ({ target }) => {
    const log = (line: string) => note(`harness: ${redact(line)}`);
    const queue = await whileServerStarts(log, () =>
      onConnection(target.url, "outbox dispatch", (client) => findQueue(client, options.queue)),
    );
    const direct = listenUrl(options, queue, target.url);
    const metrics = new Metrics();
    const dispatcher = new Dispatcher({
      ...numbers,
      connect: () => connect(target.url, { purpose: "outbox dispatcher" }),
      connectToListen: direct === null ? null : () => connect(direct, { purpose: "outbox listen" }),
      queue: queue.name,
      channel: queue.channel ?? "",
      handler,
      expireHolds: options.expireHolds ?? false,
      job: options.job ?? "outbox-dispatcher",
      log,
      metrics,
    });
    const host = options.metricsHost ?? "127.0.0.1";
    const server = port === null ? null : await serveMetrics(metrics, () => dispatcher.healthy, host, port);
    if (server) {
      const { port: actual } = server.address() as AddressInfo;
      note(`Metrics on http://${host}:${actual}/metrics`);
    }
    const ignore = surviveStrayErrors(log, metrics);
    const running = dispatcher.run();
    if (target.provider === "local") {
      // The command has to let go of the local server after that, and ends with the code of an interruption.
      onExit(async () => {
        dispatcher.stop();
        await running;
      });
    } else {
      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
        process.once(signal, () => dispatcher.stop());
    }
    note(`Dispatching ${queue.name} as ${dispatcher.worker}`);
    try {
      await running;
    } finally {
      server?.close();
      server?.closeAllConnections();
      ignore();
    }
    const [delivered, failed, back] = (["acked_total", "failed_total", "released_total"] as const).map(
      (figure) => metrics.value(figure),
    );
    const left =
      dispatcher.held === 0
        ? "Nothing is leased to it any more"
        : `${dispatcher.held} are leased to it still and come back within ${numbers.leaseMs / 1000} s`;
    note(
      `Stopped: ${delivered} delivered, ${failed} failed, ${back} given back. ${left}; what waits is sent when a dispatcher runs again`,
    );
    return exitCodes.interrupted;
  });
}

/** Behind a transaction pooler LISTEN hears nothing: without a direct URL there is polling. */
function listenUrl(
  { listen, listenUrl: given }: DispatchOptions,
  queue: RegisteredQueue,
  url: string,
): string | null {
  if (listen === false || queue.channel === null) return null;
  if (given) return given;
  return isPooled(url) ? null : url;
}

function portOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new HarnessError({
    code: "bad-number",
    message: `--metrics-port ${text} is not a port`,
    hint: "Give one from 1 to 65535, or 0 for any that is free.",
  });
}
