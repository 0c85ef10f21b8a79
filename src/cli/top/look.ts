import type { JobView, MachineView, StatusView } from "#/model/views.ts";
import { allOf, type Client } from "#/sdk/client.ts";

/** A cloud at one moment. */
export interface Look {
  url: string;
  status: StatusView;
  machines: MachineView[];
  jobs: JobView[];
}

/** Jobs that are looked at: those that run, and as many of the newest. */
const jobsMax = 100;

export async function look(client: Client): Promise<Look> {
  const [status, machines, running, newest] = await Promise.all([
    client.status(),
    Array.fromAsync(allOf((query) => client.machines(query))),
    client.jobs({ phase: "running", limit: jobsMax }),
    client.jobs({ limit: jobsMax }),
  ]);
  const jobs = new Map([...running.items, ...newest.items].map((job) => [job.id, job]));
  return { url: client.url, status, machines, jobs: [...jobs.values()] };
}
