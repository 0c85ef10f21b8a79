import { setTimeout as sleep } from "node:timers/promises";
import type { Door } from "./door.ts";
import type { AckedJob, History } from "./history.ts";
import { faultsOfFiles, faultsOfResults, resultsOf } from "./results.ts";
import type { Site } from "./site.ts";
import { whoIsAbsent } from "./present.ts";
import { sha256 } from "./work.ts";

const atOnce = 8;

/** Ends what its client left open, then waits until nothing runs and all of the cloud is there; false when that does not come about in time. */
export async function settle(
  door: Door,
  site: Site,
  history: History,
  withinMs: number,
): Promise<boolean> {
  const untilMs = performance.now() + withinMs;
  for (const job of history.jobs.values()) {
    if (job.cancel && job.cancel !== "done") {
      await door.must("POST", `/v1/jobs/${job.id}/cancel`);
      job.cancel = "done";
    }
    if (job.isClosed) continue;
    const body = { from: job.steps[0]!.offered, inputs: [], close: true };
    await door.must("POST", `/v1/jobs/${job.id}/steps/0/tasks`, { body });
    job.isClosed = true;
  }
  for (;;) {
    const { jobsRunning, tasksWaiting, tasksRunning } = await door.must<{
      jobsRunning: number;
      tasksWaiting: number;
      tasksRunning: number;
    }>("GET", "/v1/status");
    const absent = await whoIsAbsent(door, site);
    if (jobsRunning + tasksWaiting + tasksRunning + absent.length === 0) return true;
    if (performance.now() > untilMs) {
      for (const sentence of absent) history.violate(sentence);
      if (jobsRunning + tasksWaiting + tasksRunning > 0) await tellStuck(door, history, withinMs);
      return false;
    }
    await sleep(100);
  }
}

async function tellStuck(door: Door, history: History, withinMs: number): Promise<void> {
  const { items } = await door.must<{ items: { id: string; title: string; tasks: object }[] }>(
    "GET",
    "/v1/jobs?phase=running&limit=10",
  );
  history.violate(`${items.length} jobs or more still run ${withinMs} ms after the last fault`);
  for (const { id, title, tasks } of items) {
    const why = await door.must<object>("GET", `/v1/jobs/${id}/why`);
    history.violate(`${title} ${id} has ${JSON.stringify(tasks)}: ${JSON.stringify(why)}`);
  }
}

/** Every acknowledged write is there, as it was acknowledged. */
export async function checkAll(door: Door, history: History): Promise<void> {
  await checkListed(door, history);
  const jobs = [...history.jobs.values()];
  const worker = async (): Promise<void> => {
    for (let job = jobs.pop(); job; job = jobs.pop())
      await checkJob(door, history, job).catch((thrown) => history.violate(String(thrown)));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  for (const [key, sizeBytes] of history.blobs) {
    const { status, body } = await door.persist<Uint8Array>("GET", `/v1/blobs/${key}`);
    if (status !== 200 || sha256(body) !== key)
      history.violate(`the blob ${key} of ${sizeBytes} bytes is not what was put: ${status}`);
  }
  await checkKeys(door, history);
  for (const record of history.records.values()) {
    const fault = await record.close(door).catch(String);
    if (fault !== undefined) history.violate(fault);
  }
}

/** The jobs of the cloud are those that were acknowledged: none less, none twice. */
async function checkListed(door: Door, history: History): Promise<void> {
  const listed = new Set<string>();
  let cursor = "";
  for (;;) {
    const page = await door.must<{ items: { id: string }[]; next?: string }>(
      "GET",
      `/v1/jobs?limit=500${cursor}`,
    );
    for (const { id } of page.items) {
      if (listed.has(id)) history.violate(`the job ${id} is listed twice`);
      listed.add(id);
      if (!history.jobs.has(id)) history.violate(`the job ${id} was made, and never acknowledged`);
    }
    if (page.next === undefined) break;
    cursor = `&cursor=${page.next}`;
  }
  for (const id of history.jobs.keys())
    if (!listed.has(id)) history.violate(`the acknowledged job ${id} is lost from the list`);
}

interface JobAnswer {
  phase: string;
  steps: number;
  tasks: Record<"offered" | "waiting" | "running" | "succeeded" | "failed" | "cancelled", number>;
}

async function checkJob(door: Door, history: History, job: AckedJob): Promise<void> {
  const { id, steps, ended, cancel } = job;
  const { status, body } = await door.persist<JobAnswer>("GET", `/v1/jobs/${id}`);
  if (status !== 200) return history.violate(`the acknowledged job ${id} is lost: ${status}`);
  const wanted = cancel ? "cancelled" : "succeeded";
  if (body.phase !== wanted) history.violate(`job ${id} is ${body.phase} and not ${wanted}`);
  if (body.phase === "running") return;
  if (ended && ended.phase !== body.phase)
    history.violate(`job ${id} had ended as ${ended.phase} and is ${body.phase}`);
  if (body.steps !== steps.length) history.violate(`job ${id} has ${body.steps} steps`);
  const { offered, waiting, running, succeeded, failed, cancelled } = body.tasks;
  const promised = steps.reduce((sum, step) => sum + step.offered, 0);
  if (offered !== promised || waiting + running > 0 || succeeded + failed + cancelled !== promised)
    history.violate(`job ${id} counts ${JSON.stringify(body.tasks)} of ${promised} tasks`);
  for (const [number, step] of steps.entries()) {
    const told = await resultsOf(door, id, number);
    if (!told) return history.violate(`the results of ${id}/${number} were cut off`);
    if (wanted === "succeeded") {
      const name = `${id}/${number}`;
      for (const fault of faultsOfResults(name, step, told)) history.violate(fault);
      for (const fault of await faultsOfFiles(door, name, step, told)) history.violate(fault);
    }
    const before = ended?.results.get(number);
    if (before !== undefined && before !== told.text)
      history.violate(`step ${id}/${number} was read before with other results`);
    ended?.results.set(number, told.text);
  }
}

async function checkKeys(door: Door, history: History): Promise<void> {
  const refusals = new Set([401, 429]); // who shows many keys that are none is told to come later
  for (const [name, { secret, state }] of history.keys) {
    const final = state === "removed" ? { final: 429 } : {};
    const { status } = await door.persist("GET", "/v1/status", { key: secret, ...final });
    if (state === "made" && status !== 200)
      history.violate(`the acknowledged key ${name} opens nothing: ${status}`);
    if (state === "removed" && !refusals.has(status))
      history.violate(`the removed key ${name} still opens the door: ${status}`);
  }
}
