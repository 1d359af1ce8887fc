import type { Client } from "pg";

/** What clients of a table met while something else was done to it. */
export interface Met {
  /** Milliseconds of the slowest write. */
  longestWrite: number;
  writes: number;
  /** Of counts of rows that nobody deletes. */
  fewestRows: number;
  counts: number;
  /** What writes and counts failed with. */
  errors: string[];
}

/** Two writers, who insert, change, move and delete, and a reader who counts all of the first rows, until the work is done. */
export async function traffic<T>(
  writers: readonly Client[],
  reader: Client,
  rows: number,
  work: () => Promise<T>,
): Promise<Met & { answer: T }> {
  const met: Met = {
    longestWrite: 0,
    writes: 0,
    fewestRows: Number.POSITIVE_INFINITY,
    counts: 0,
    errors: [],
  };
  const failed = (error: unknown) =>
    void met.errors.push(error instanceof Error ? error.message : String(error));
  let running = true;
  const writing = writers.map(async (writer, w) => {
    for (let n = 0; running; n++) {
      const id = 1 + ((n * 7919 + w * 104_729) % rows);
      const began = performance.now();
      await write(writer, n, id).catch(failed);
      met.longestWrite = Math.max(met.longestWrite, performance.now() - began);
      met.writes++;
    }
  });
  const reading = (async () => {
    while (running) {
      const answer = await reader
        .query("select count(*)::int as rows from bench.events where id <= $1", [rows])
        .catch(failed);
      if (!answer) continue;
      met.fewestRows = Math.min(met.fewestRows, answer.rows[0].rows);
      met.counts++;
    }
  })();
  try {
    const answer = await work();
    return { ...met, answer, ...(await stop()) };
  } finally {
    await stop();
  }

  async function stop(): Promise<Met> {
    running = false;
    await Promise.all([...writing, reading]);
    return met;
  }
}

/** Rows that were added, so that some can be deleted: the reader counts the others. */
const added = new WeakMap<Client, string[]>();

async function write(writer: Client, n: number, id: number): Promise<void> {
  const own = added.get(writer) ?? [];
  added.set(writer, own);
  switch (n % 4) {
    case 0: {
      const { rows } = await writer.query(
        "insert into bench.events (tenant, at, body) values ($1, now(), 'added') returning id",
        [n % 500],
      );
      own.push(rows[0].id);
      break;
    }
    case 1:
      await writer.query("update bench.events set status = $2 where id = $1", [id, `seen ${n}`]);
      break;
    case 2:
      await writer.query(
        "update bench.events set at = at - interval '1 month' where id = $1 and at > now() - interval '20 months'",
        [id],
      );
      break;
    default:
      if (n % 8 === 7) await writer.query("delete from bench.events where id = $1", [own.shift()]);
  }
}
