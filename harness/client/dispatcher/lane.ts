import type { Client } from "pg";
import { type LastingConnection, lastingConnection } from "./connection.ts";
import { WakeUp } from "./wake-up.ts";

/** What a lane does. */
export interface Work {
  /** Looks what there is to do, and does it. If it throws, the connection is given up. */
  turn(client: Client): Promise<void>;
  /** After an error of `turn`: milliseconds until the next. */
  failed(error: unknown): number;
  finished(): boolean;
  /** Milliseconds until there is something to do that nobody will call for. */
  pause(): number;
}

/** A loop on a connection of its own: it takes a turn when called, and when one is due. */
export class Lane {
  readonly #work: Work;
  readonly #wakeUp = new WakeUp();
  readonly #reconnect = new WakeUp();
  readonly #connection: LastingConnection;
  #connected = false;

  constructor(
    connect: () => Promise<Client>,
    /** The connection broke, or could not be made. */
    broken: (error: unknown, pauseMs: number) => void,
    work: Work,
  ) {
    this.#work = work;
    const events = {
      broken: (error: unknown, pauseMs: number) => {
        this.#connected = false;
        broken(error, pauseMs);
      },
    };
    this.#connection = lastingConnection(connect, events, this.#reconnect);
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** There may be something to do. */
  call(): void {
    this.#wakeUp.call();
  }

  /** The same, and no pause before the next attempt to connect. */
  hurry(): void {
    this.#wakeUp.call();
    this.#reconnect.call();
  }

  /** Until the work is finished, or the lane closed. */
  async run(): Promise<void> {
    const work = this.#work;
    while (!work.finished()) {
      const client = await this.#connection.client();
      if (!client) return;
      this.#connected = true;
      let pause = 0;
      try {
        await work.turn(client);
        if (!work.finished()) await this.#wakeUp.wait(work.pause());
      } catch (error) {
        this.#connection.discard(client);
        pause = work.failed(error);
      }
      // Not to be cut short by whatever happens meanwhile.
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
