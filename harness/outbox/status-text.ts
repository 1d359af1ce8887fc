import { colors } from "../terminal/color.ts";
import { count, duration, size } from "../terminal/numbers.ts";
import { table } from "../terminal/table.ts";
import { wrap } from "../terminal/text.ts";
import type { OldestXmin, QueueStatus } from "./status.ts";

/** For people, within 80 columns. */
export function describeStatus(queues: readonly QueueStatus[], xmin: OldestXmin, color: boolean): string {
  const c = colors(color);
  const blocks = queues.map((queue) => {
    const { indexes, retries, deadReasons } = queue;
    const broken = indexes.filter(({ state }) => state !== "valid");
    const lines: [string, string][] = [
      ["oldest due", queue.oldestDueSeconds === null ? "nothing is due" : duration(queue.oldestDueSeconds)],
      [
        "waiting",
        `${count(queue.pending)}, ${count(queue.due)} of them due, of ${count(queue.tenants)} tenants`,
      ],
      [
        "leased",
        `${count(queue.leased)} to ${count(queue.workers)} workers, ${count(queue.expiredLeases)} past their end`,
      ],
      [
        "dead",
        `${count(queue.dead)}${list(Object.entries(deadReasons).map(([reason, events]) => `${reason} ${count(events)}`))}`,
      ],
      [
        "retries",
        retries.map(({ attempts, events }) => `${attempts}: ${count(events)}`).join("  ") || "none",
      ],
      [
        "dead tuples",
        queue.deadTuples === null
          ? "unknown"
          : `${count(queue.deadTuples)} beside ${count(queue.liveTuples ?? 0)} live`,
      ],
      [
        "floor",
        queue.floorAgeSeconds === null
          ? "none yet"
          : `${duration(queue.floorAgeSeconds)} ago, ${count(queue.tenantsBehind)} tenants behind it`,
      ],
      [
        "dispatchers",
        `${count(queue.dispatchers)}, which leave ${count(queue.leftAlone.length)} tenants alone for now`,
      ],
      ["swept", queue.sweptSecondsAgo === null ? "never" : `${duration(queue.sweptSecondsAgo)} ago`],
      [
        "indexes",
        broken.length === 0
          ? `valid, ${size(indexes.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0))}`
          : c.red(broken.map(({ name, state }) => `${name} is ${state}`).join(", ")),
      ],
    ];
    const head = `${c.bold(queue.queue)}\n${lines.map(([name, text]) => `  ${name.padEnd(12)} ${text}\n`).join("")}`;
    const alone = queue.leftAlone
      .slice(0, 10)
      .map(
        ({ tenant, failures, seconds }) =>
          `  ${tenant}  failed ${count(failures)} times in a row, next attempt ${seconds > 0 ? `in ${duration(seconds)}` : "now"}\n`,
      );
    const top = alone.length > 0 ? `${head}\n${alone.join("")}` : head;
    if (queue.backlog.length === 0) return top;
    const rows = queue.backlog.map((b) => [
      b.tenant,
      count(b.due),
      count(b.events),
      b.oldestDueSeconds === null ? "" : duration(b.oldestDueSeconds),
    ]);
    const backlog = table(["tenant", "due", "waiting", "oldest due"], rows);
    return `${top}\n${backlog.replace(/^/gm, "  ").trimEnd()}\n`;
  });
  return `${blocks.join("\n")}\n${oldest(xmin)}`;
}

function oldest({ oldest: found, hidden }: OldestXmin): string {
  const unseen = hidden > 0 ? `, as far as this role may see: ${count(hidden)} sessions are hidden` : "";
  if (!found) return `${wrap(`No transaction holds back VACUUM${unseen}`, 80, "")}\n`;
  const since = found.seconds === null ? "" : `, for ${duration(found.seconds)}`;
  return `${wrap(`VACUUM is held back by ${found.holder}${since}, ${count(found.xids)} transactions${unseen}`, 80, "")}\n`;
}

const list = (parts: string[]) => (parts.length > 0 ? `: ${parts.join(", ")}` : "");
