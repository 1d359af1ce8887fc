import type { Client } from "pg";

/** What clients of a table met while something else was done to it. */
export interface Met {
  /** Milliseconds of the slowest write. */
  longestWrite: number;
  writes: number;
  /** Of counts of rows that nobody deletes. */
  fewestRows: number;
  counts: number;
}

/** Two writers, who insert, change, move and delete, and a reader who counts all of the first rows, until the work is done. */
export async function traffic<T>(
  writers: readonly Client[],
  reader: Client,
  rows: number,
  work: () => Promise<T>,
): Promise<Met & { answer: T }> {
  const met: Met = { longestWrite: 0, writes: 0, fewestRows: Number.POSITIVE_INFINITY, counts: 0 };
  let running = true;
  const writing = writers.map(async (writer, w) => {
    for (let n = 0; running; n++) {
      const id = 1 + ((n * 7919 + w * 104_729) % rows);
      const began = performance.now();
      await write(writer, n, id);
      met.longestWrite = Math.max(met.longestWrite, performance.now() - began);
      met.writes++;
    }
  });
  const reading = (async () => {
    while (running) {
      const answer = await reader.query("select count(*)::int as rows from bench.events where id <= $1", [
        rows,
      ]);
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

function write(writer: Client, n: number, id: number): Promise<unknown> {
  switch (n % 4) {
    case 0:
      return writer.query("insert into bench.events (tenant, at, body) values ($1, now(), 'added')", [
        n % 500,
      ]);
    case 1:
      return writer.query("update bench.events set status = $2 where id = $1", [id, `seen ${n}`]);
    case 2:
      return writer.query(
        "update bench.events set at = at - interval '1 month' where id = $1 and at > now() - interval '20 months'",
        [id],
      );
    default:
      // only what was added: the reader counts the others
      return writer.query(
        "delete from bench.events where id = (select max(id) from bench.events where body = 'added' and tenant = $1 and at > now() - interval '1 day')",
        [n % 500],
      );
  }
}
