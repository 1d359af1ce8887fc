import { createServer, type Server } from "node:http";

const prefix = "harness_outbox_";

/** Every figure that is exported: its kind and what it means. */
const figures = {
  claims_total: ["counter", "Claims, also those that found nothing"],
  claimed_total: ["counter", "Events claimed"],
  acked_total: ["counter", "Events delivered and acknowledged"],
  failed_total: ["counter", "Attempts that failed, by what became of the event: retry or dead"],
  stale_total: ["counter", "Acknowledgements refused, since somebody else had the event"],
  lost_leases_total: ["counter", "Events whose lease was gone when it should have been extended"],
  released_total: ["counter", "Events given back untried when stopping"],
  sweep_returned_total: ["counter", "Events whose lease had ended, given back by sweeps"],
  sweep_buried_total: ["counter", "Events whose last lease had ended, buried by sweeps"],
  sweep_late_total: ["counter", "Sweeps that found events below the floor"],
  holds_expired_total: ["counter", "Holds marked as expired"],
  handler_timeouts_total: ["counter", "Handlers that did not return in time"],
  circuits_opened_total: [
    "counter",
    "Times that a tenant was left alone since its handlers failed or did not return",
  ],
  stray_errors_total: ["counter", "Errors that nobody waited for, in or after a handler"],
  refused_total: ["counter", "Events that could not be settled: their leases end by themselves"],
  sweep_failures_total: ["counter", "Parts of sweeps that failed"],
  notifications_total: ["counter", "Notifications heard"],
  connection_failures_total: ["counter", "Connections that broke or could not be made"],
  handler_seconds_total: ["counter", "Time spent in handlers"],
  transaction_seconds_total: ["counter", "Time spent in transactions that claim and settle"],
  in_flight: ["gauge", "Events leased by this dispatcher"],
  running: ["gauge", "Handlers at work"],
  overdue: ["gauge", "Handlers that were given up and have not returned"],
  open_circuits: ["gauge", "Tenants that are left alone for now"],
} as const;

export type Figure = keyof typeof figures;

/** Counters of one dispatcher, in the text format of Prometheus. */
export class Metrics {
  readonly #values = new Map<Figure, Map<string, number>>();
  readonly #gauges = new Map<Figure, () => number>();

  count(figure: Figure, labels: Record<string, string> = {}, by = 1): void {
    const series = this.#series(figure);
    const key = labelText(labels);
    series.set(key, (series.get(key) ?? 0) + by);
  }

  /** Asked for its value whenever somebody wants to know. */
  gauge(figure: Figure, read: () => number): void {
    this.#gauges.set(figure, read);
  }

  value(figure: Figure): number {
    return [...this.#series(figure).values()].reduce((sum, value) => sum + value, 0);
  }

  text(): string {
    const lines = (Object.keys(figures) as Figure[]).flatMap((figure) => {
      const [kind, help] = figures[figure];
      const known = this.#series(figure);
      const series = known.size > 0 ? known : new Map([["", 0]]);
      return [
        `# HELP ${prefix}${figure} ${help}.`,
        `# TYPE ${prefix}${figure} ${kind}`,
        ...[...series].map(([labels, value]) => `${prefix}${figure}${labels} ${value}`),
      ];
    });
    return `${lines.join("\n")}\n`;
  }

  #series(figure: Figure): Map<string, number> {
    const gauge = this.#gauges.get(figure);
    if (gauge) return new Map([["", gauge()]]);
    let series = this.#values.get(figure);
    if (!series) {
      series = new Map();
      this.#values.set(figure, series);
    }
    return series;
  }
}

function labelText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
}

/** Serves `/metrics`, and `/health`, which fails while there is no connection to the database. Port 0 takes a free one. */
export async function serveMetrics(
  metrics: Metrics,
  healthy: () => boolean,
  host: string,
  port: number,
): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/metrics") {
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
      response.end(metrics.text());
    } else if (path === "/health") {
      response.writeHead(healthy() ? 200 : 503, { "content-type": "text/plain" });
      response.end(healthy() ? "ok\n" : "no connection to the database\n");
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return server;
}
