// pg-boss as far as the bench uses it, written down here so that type checking needs no peer installed.
export interface PgBoss {
  on(event: "error" | "warning", listener: (error: unknown) => void): void;
  start(): Promise<unknown>;
  stop(options: object): Promise<void>;
  createQueue(name: string, options: object): Promise<void>;
  send(name: string, data: object): Promise<string | null>;
  insert(name: string, jobs: { data: object }[]): Promise<unknown>;
  work(
    name: string,
    options: object,
    handler: (jobs: unknown[]) => Promise<unknown>,
  ): Promise<string>;
}

interface PgBossModule {
  PgBoss: new (options: object) => PgBoss;
}

/** Started, with the options that the submitter and the worker share. */
export async function startPgBoss(connectionString: string, options: object): Promise<PgBoss> {
  const { PgBoss } = await loadPgBoss();
  const boss = new PgBoss({ connectionString, schedule: false, ...options });
  boss.on("error", () => undefined);
  boss.on("warning", () => undefined);
  await boss.start();
  return boss;
}

export async function loadPgBoss(): Promise<PgBossModule> {
  const name: string = "pg-boss";
  return (await import(name)) as PgBossModule;
}
