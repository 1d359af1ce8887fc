import pg, { type Client } from "pg";

// COPY through the driver, which leaves it to whoever submits a query of one's own.
interface Wire {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}
type Submittable = InstanceType<typeof pg.Query>;

/** What `copy … to stdout` writes. */
export async function copyOut(client: Client, statement: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await submit(client, statement, { handleCopyData: ({ chunk }: { chunk: Buffer }) => chunks.push(chunk) });
  return Buffer.concat(chunks);
}

/** Rows for `copy … from stdin`. */
export async function copyIn(client: Client, statement: string, rows: Buffer): Promise<void> {
  await submit(client, statement, {
    handleCopyInResponse(wire: Wire) {
      wire.sendCopyFromChunk(rows);
      wire.endCopyFrom();
    },
  });
}

async function submit(client: Client, statement: string, handlers: object): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const query: Submittable = new pg.Query(statement, undefined, (error?: Error | null) =>
      error ? reject(error) : resolve(),
    );
    client.query(Object.assign(query, handlers));
  });
}
