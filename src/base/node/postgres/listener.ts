import type { Connection } from "./connection.ts";
import { Line, retryDelayMs } from "./line.ts";
import type { PostgresServers } from "./servers.ts";

/**
 * Hears what is said on a channel, over a connection of its own that is made again when it is lost. What
 * was said meanwhile is not known, so it then says that there may be news ("").
 */
export class Listener {
  #line: Line;
  #onNews: (payload: string, fromProcess: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #tries = 0;
  #isClosed = false;
  #started = Promise.withResolvers<void>();

  constructor(
    servers: PostgresServers,
    channel: string,
    onNews: (payload: string, fromProcess: number) => void,
  ) {
    this.#onNews = onNews;
    this.#line = new Line(servers, (connection) => connection.query(`LISTEN "${channel}"`));
    void this.#listen();
  }

  /** Resolves when it hears for the first time. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#line.close();
  }

  async #listen(): Promise<void> {
    if (this.#isClosed) return;
    try {
      this.#hear(await this.#line.open());
      this.#tries = 0;
      this.#started.resolve();
      this.#onNews("", 0);
    } catch {
      this.#again();
    }
  }

  #hear(connection: Connection): void {
    connection.onNotification = this.#onNews;
    const forget = connection.onEnd;
    connection.onEnd = () => {
      forget();
      this.#again();
    };
    if (!connection.isOpen) throw new Error("Connection terminated before");
  }

  #again(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#listen(), retryDelayMs(this.#tries++));
    this.#timer.unref();
  }
}
