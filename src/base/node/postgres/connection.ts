import pg from "pg";
import type { Value } from "../../database.ts";
import { limits } from "../../limits.ts";
import type { PostgresAddress } from "./address.ts";

/** Names of prepared statements, by their text: each is parsed once per connection. */
const names = new Map<string, string>();

/** What the server can be told at the start: it waits for no lock forever, and its own timeouts are not ours. */
const settings = {
  lock_timeout: limits.postgresLockMs,
  statement_timeout: 0,
  idle_session_timeout: 0,
  jit: "off",
  client_min_messages: "warning",
  default_transaction_isolation: "read\\ committed",
  // Plans are made once, when tables are empty, and all that is asked for goes by key.
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
};

/** One connection to one server. Queries asked at once are sent at once, and answered in their order. */
export class Connection {
  #client: pg.Client;
  #isOpen = true;
  #warnings = 0;
  #asked = 0;
  /** Called once when it has ended, however it did. */
  onEnd: () => void = () => undefined;
  /** Called with what `LISTEN` gives. */
  onNotification: (payload: string, fromProcess: number) => void = () => undefined;

  /** Rejects with the error of the socket, or of the server. */
  static async open(
    address: PostgresAddress,
    server: { host: string; port: number },
  ): Promise<Connection> {
    const { user, password, database, tls } = address;
    const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
    const client = new pg.Client({
      ...server,
      user,
      password,
      database,
      ssl: tls,
      application_name: "canopy",
      connectionTimeoutMillis: limits.postgresConnectMs,
      keepAlive: true,
      pipeline: true,
      options: options.join(" "),
      types: { getTypeParser },
    });
    const connection = new Connection(client);
    await client.connect();
    handleOf(client).unref();
    return connection;
  }

  private constructor(client: pg.Client) {
    this.#client = client;
    client.on("error", () => this.#ended());
    client.on("end", () => this.#ended());
    client.on("notice", () => (this.#warnings += 1));
    client.on("notification", ({ payload = "", processId }) =>
      this.onNotification(payload, processId),
    );
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** How often the server has warned of something: of a commit that did not wait for its standby, for one. */
  get warnings(): number {
    return this.#warnings;
  }

  /** The process of the server that serves this connection. */
  get processId(): number {
    return handleOf(this.#client).processID;
  }

  /**
   * Runs one statement as a transaction of its own (several, without `values`, as one too). The connection
   * ends when no answer comes in `answerMs`: then whether it was committed is not known.
   */
  async query<Row>(
    sql: string,
    values?: readonly Value[],
    answerMs: number = limits.postgresAnswerMs,
  ): Promise<Row[]> {
    if (!this.#isOpen) throw new Error("Connection terminated before");
    // One that nobody waits for does not keep the process alive.
    if (this.#asked++ === 0) handleOf(this.#client).ref();
    const timer = setTimeout(() => this.destroy("timeout expired"), answerMs);
    try {
      const { rows } = values
        ? await this.#client.query({ name: nameOf(sql), text: sql, values: [...values] })
        : await this.#client.query(sql);
      return rows as Row[];
    } finally {
      clearTimeout(timer);
      if (--this.#asked === 0) handleOf(this.#client).unref();
    }
  }

  /** Ends it at once: what was asked is not waited for. */
  destroy(reason = "Connection terminated by us"): void {
    const error = Object.assign(new Error(reason), { code: "ECONNABORTED" });
    handleOf(this.#client).connection.stream.destroy(error);
    this.#ended();
  }

  #ended(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.onEnd();
  }
}

/** What the driver has and its types do not say. */
interface Handle {
  processID: number;
  connection: { stream: { destroy(error: Error): void } };
  ref(): void;
  unref(): void;
}

function handleOf(client: pg.Client): Handle {
  return client as unknown as Handle;
}

function nameOf(sql: string): string {
  let name = names.get(sql);
  if (name === undefined) names.set(sql, (name = `canopy_${names.size}`));
  return name;
}

const int8 = 20;

/** Serials, sequences and sums of bytes fit a double. */
function getTypeParser(oid: number, format?: "text" | "binary"): (value: string) => unknown {
  if (oid === int8 || oid === 1700) return Number;
  return pg.types.getTypeParser(oid, format as "text") as (value: string) => unknown;
}
