// BullMQ as far as the bench uses it, written down here so that type checking needs no peer installed.
export interface Job {
  data: unknown;
}

interface JobSpec {
  name: string;
  data: unknown;
}

export interface Queue {
  add(name: string, data: unknown): Promise<{ id?: string }>;
  addBulk(jobs: JobSpec[]): Promise<unknown>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

export interface QueueEvents {
  on(event: "completed", listener: (result: { jobId: string; returnvalue: string }) => void): void;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

export interface Worker {
  waitUntilReady(): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): void;
  close(force?: boolean): Promise<void>;
}

export interface BullmqModule {
  Queue: new (name: string, options: object) => Queue;
  QueueEvents: new (name: string, options: object) => QueueEvents;
  Worker: new (name: string, handler: (job: Job) => Promise<unknown>, options: object) => Worker;
}

export async function loadBullmq(): Promise<BullmqModule> {
  const name: string = "bullmq";
  return (await import(name)) as BullmqModule;
}
