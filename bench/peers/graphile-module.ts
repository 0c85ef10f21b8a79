// graphile-worker as far as the bench uses it, written down here so that type checking needs no peer installed.
interface JobSpec {
  identifier: string;
  payload: unknown;
}

export interface WorkerUtils {
  migrate(): Promise<void>;
  addJob(identifier: string, payload: unknown): Promise<unknown>;
  addJobs(jobs: JobSpec[]): Promise<unknown>;
  release(): Promise<void>;
}

export interface GraphileModule {
  makeWorkerUtils(options: object): Promise<WorkerUtils>;
  run(options: object): Promise<{ stop(): Promise<void> }>;
  Logger: new (factory: () => () => void) => object;
}

export async function loadGraphile(): Promise<GraphileModule> {
  const name: string = "graphile-worker";
  return (await import(name)) as GraphileModule;
}
