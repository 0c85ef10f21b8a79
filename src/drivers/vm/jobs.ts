import { QmpError, type Qmp, type QmpEvent } from "./qmp.ts";

interface Job {
  id: string;
  status: string;
  error?: string;
}

/** Runs a job of QEMU to its end. Throws QmpError when it fails, or takes longer than that. */
export async function runJob(
  qmp: Qmp,
  id: string,
  command: string,
  args: object,
  patienceMs: number,
): Promise<void> {
  const own = command === "blockdev-create" ? {} : { "auto-dismiss": false };
  await qmp.run("job-dismiss", { id }).catch(() => {}); // one that an earlier life of the agent has left
  const ended = await qmp.expect(
    () => qmp.run(command, { "job-id": id, ...own, ...args }),
    (event) => isEnd(event, id),
    patienceMs,
  );
  const jobs = await qmp.run<Job[]>("query-jobs");
  const job = jobs.find((one) => one.id === id);
  if (!ended || job?.status !== "concluded") {
    await qmp.run("job-cancel", { id }).catch(() => {});
    throw new QmpError(command, "Late", `it is ${job?.status ?? "gone"} and not done`);
  }
  await qmp.run("job-dismiss", { id });
  if (job.error !== undefined) throw new QmpError(command, "GenericError", job.error);
}

const isEnd = ({ event, data }: QmpEvent, id: string) =>
  event === "JOB_STATUS_CHANGE" && data["id"] === id && data["status"] === "concluded";
