import type { AddressInfo } from "node:net";
import { Dispatcher } from "../client/dispatcher/dispatcher.ts";
import { Metrics, serveMetrics } from "../client/dispatcher/metrics.ts";
import { surviveStrayErrors } from "../client/dispatcher/stray-errors.ts";
import { onExit } from "../core/cleanup.ts";
import { redact } from "../core/redaction.ts";
import { connect } from "../targets/session/connection.ts";
import { isPooled } from "../targets/session/connection-url.ts";
import { onConnection } from "../targets/session/on-connection.ts";
import type { Target } from "../targets/target.ts";
import { note } from "../terminal/output.ts";
import type { DispatchSettings } from "./dispatch-settings.ts";
import type { loadHandler } from "./load-handler.ts";
import type { RegisteredQueue } from "./queues.ts";
import { findQueue } from "./queues.ts";
import { whileServerStarts } from "./while-server-starts.ts";

export interface DispatcherRun extends DispatchSettings {
  handler: Awaited<ReturnType<typeof loadHandler>>;
  /** Undefined: the default queue. */
  queue: string | undefined;
  job: string;
  /** False: polling only. */
  listen: boolean;
  /** Where LISTEN is heard, if `url` is a pooler's. */
  listenUrl: string | undefined;
  expireHolds: boolean;
  /** Undefined: none are served. */
  metricsPort: number | undefined;
  metricsHost: string;
}

/** Dispatches until SIGTERM or Ctrl-C, and says on stderr how it goes. */
export async function runDispatcher(target: Target, options: DispatcherRun): Promise<void> {
  const { queue: wanted, handler, metricsPort, metricsHost: host, listen, listenUrl, ...settings } = options;
  const { url } = target;
  const log = (line: string) => note(`harness: ${redact(line)}`);
  const queue = await whileServerStarts(log, () =>
    onConnection(url, "outbox dispatch", (client) => findQueue(client, wanted)),
  );
  const direct = listen ? urlToListenOn(queue, url, listenUrl) : null;
  const metrics = new Metrics();
  const dispatcher = new Dispatcher({
    ...settings,
    connect: () => connect(url, { purpose: "outbox dispatcher" }),
    connectToListen: direct === null ? null : () => connect(direct, { purpose: "outbox listen" }),
    queue: queue.name,
    channel: queue.channel ?? "",
    handler,
    log,
    metrics,
  });
  const server =
    metricsPort === undefined
      ? null
      : await serveMetrics(metrics, () => dispatcher.healthy, host, metricsPort);
  if (server) note(`Metrics on http://${host}:${(server.address() as AddressInfo).port}/metrics`);
  const ignore = surviveStrayErrors(log, metrics);
  const running = dispatcher.run();
  stopOnSignal(dispatcher, running, target.provider === "local");
  note(`Dispatching ${queue.name} as ${dispatcher.worker}`);
  try {
    await running;
  } finally {
    server?.close();
    server?.closeAllConnections();
    ignore();
  }
  note(account(dispatcher, metrics, settings.leaseMs));
}

function stopOnSignal(dispatcher: Dispatcher, running: Promise<void>, isLocal: boolean): void {
  if (isLocal) {
    // The command has to let go of the local server after that, and ends with the code of an interruption.
    onExit(async () => {
      dispatcher.stop();
      await running;
    });
    return;
  }
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.once(signal, () => dispatcher.stop());
}

function account(dispatcher: Dispatcher, metrics: Metrics, leaseMs: number): string {
  const [delivered, failed, back] = (["acked_total", "failed_total", "released_total"] as const).map(
    (figure) => metrics.value(figure),
  );
  const left =
    dispatcher.held === 0
      ? "Nothing is leased to it any more"
      : `${dispatcher.held} are leased to it still and come back within ${leaseMs / 1000} s`;
  return `Stopped: ${delivered} delivered, ${failed} failed, ${back} given back. ${left}; what waits is sent when a dispatcher runs again`;
}

/** Behind a transaction pooler LISTEN hears nothing: without a direct URL there is polling. */
function urlToListenOn({ channel }: RegisteredQueue, url: string, direct: string | undefined): string | null {
  if (channel === null) return null;
  return direct ?? (isPooled(url) ? null : url);
}
