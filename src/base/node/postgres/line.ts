import { limits } from "../../limits.ts";
import type { Value } from "../../database.ts";
import type { Connection } from "./connection.ts";
import type { PostgresServers } from "./servers.ts";

/**
 * A connection that is made when it is needed, and again after it was lost: whoever asks next gets a new
 * one. Nothing is asked twice by itself. `prepare` runs on each new connection before anything else.
 */
export class Line {
  #servers: PostgresServers;
  #prepare: (connection: Connection) => Promise<unknown>;
  #connection: Promise<Connection> | undefined;
  #isClosed = false;

  constructor(
    servers: PostgresServers,
    prepare: (connection: Connection) => Promise<unknown> = async () => undefined,
  ) {
    this.#servers = servers;
    this.#prepare = prepare;
  }

  /** The open connection, or a new one. Throws what `PostgresServers.connect` throws. */
  open(): Promise<Connection> {
    if (this.#isClosed) return Promise.reject(new Error("Connection terminated by us"));
    if (this.#connection) return this.#connection;
    const opening = this.#make();
    this.#connection = opening;
    opening.catch(() => this.#forget(opening));
    return opening;
  }

  async query<Row>(sql: string, values?: readonly Value[]): Promise<Row[]> {
    return (await this.open()).query<Row>(sql, values);
  }

  /** Ends the connection, and makes no more. */
  close(): void {
    this.#isClosed = true;
    void this.#connection?.then((connection) => connection.destroy()).catch(() => undefined);
  }

  async #make(): Promise<Connection> {
    const connection = await this.#servers.connect();
    try {
      await this.#prepare(connection);
    } catch (thrown) {
      connection.destroy();
      throw thrown;
    }
    const made = this.#connection;
    connection.onEnd = () => this.#forget(made);
    if (!connection.isOpen) this.#forget(made);
    return connection;
  }

  #forget(connection: Promise<Connection> | undefined): void {
    if (this.#connection === connection) this.#connection = undefined;
  }
}

/** How long to wait before the next try: twice as long each time. */
export function retryDelayMs(tries: number): number {
  return Math.min(limits.postgresRetryMsMax, limits.postgresRetryMsMin * 2 ** Math.min(tries, 10));
}
