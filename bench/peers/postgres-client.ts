// The driver "pg" as far as the bench uses it, written down here so that type checking needs no peer installed.
export interface PostgresClient {
  connect(): Promise<unknown>;
  query(sql: string): Promise<{ rows: Record<string, string>[] }>;
  on(event: "notification", listener: (message: { payload?: string }) => void): void;
  end(): Promise<void>;
}

/** Connections for a library that takes them; one that ends with its server, idle, is of no interest. */
export interface PostgresPool {
  on(event: "error", listener: (error: Error) => void): void;
  end(): Promise<void>;
}

export async function postgresPool(url: string): Promise<PostgresPool> {
  const name: string = "pg";
  const { default: pg } = (await import(name)) as {
    default: { Pool: new (options: { connectionString: string }) => PostgresPool };
  };
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => undefined);
  return pool;
}

export async function connectPostgres(url: string): Promise<PostgresClient> {
  const name: string = "pg";
  const { default: pg } = (await import(name)) as {
    default: { Client: new (url: string) => PostgresClient };
  };
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

/** Counts the tasks that the database says are done, as numbers in its notifications. */
export class Notifications {
  #left = 0;
  #done: () => void = () => undefined;

  constructor(listener: PostgresClient) {
    listener.on("notification", ({ payload }) => {
      const before = this.#left;
      this.#left -= Number(payload);
      if (before > 0 && this.#left <= 0) this.#done();
    });
  }

  /** Resolves once `count` more tasks are done. */
  next(count: number): Promise<void> {
    this.#left = count;
    return new Promise((resolve) => (this.#done = resolve));
  }
}
