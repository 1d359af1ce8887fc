import { type AddressInfo, connect, createServer } from "node:net";

export interface CuttingProxy {
  /** The same database, through the proxy. */
  url: string;
  /** How many connections were cut. */
  cuts(): number;
  close(): Promise<void>;
}

/** A network before the server that breaks each connection when its client sends something for the nth time; 0 never breaks. */
export async function cuttingProxy(serverUrl: string, nth: number): Promise<CuttingProxy> {
  const server = new URL(serverUrl);
  let cuts = 0;
  const proxy = createServer((client) => {
    const upstream = connect(Number(server.port), server.hostname);
    let sent = 0;
    client.on("data", (chunk) => {
      if (++sent === nth) {
        cuts++;
        client.resetAndDestroy();
        upstream.destroy();
      } else upstream.write(chunk);
    });
    upstream.pipe(client);
    client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const url = new URL(serverUrl);
  url.port = String((proxy.address() as AddressInfo).port);
  return {
    url: url.href,
    cuts: () => cuts,
    close: () => new Promise((resolve) => proxy.close(() => resolve())),
  };
}
