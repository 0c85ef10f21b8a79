import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { resultsOf, type StepResults } from "../results.ts";
import type { AckedJob, AckedStep } from "../history.ts";
import type { Client, ClientParts } from "./parts.ts";

const openJobsMax = 60;
let made = 0;

interface Draft {
  body: object;
  steps: AckedStep[];
  /** What is known from the start of a job that will not end by itself. */
  more?: Pick<AckedJob, "cancel"> & { isClosed?: false };
}

/** A step of functions; `perTask` gives the rest of a task's arguments after its seed and index. */
function functionStep(
  { module, chance }: ClientParts,
  name: string,
  run: "plain" | "slow" | "marked",
  tasks: number,
  perTask: (index: number) => unknown[] = () => [],
): { request: object; acked: AckedStep } {
  const seed = chance.whole(1, 1_000_000);
  const inputs = Array.from({ length: tasks }, (_, index) => [seed, index, ...perTask(index)]);
  return {
    request: {
      name,
      run: { driver: "runner", module, function: run },
      needs: { cpus: 0.05 },
      retries: 100,
      retryMs: 50,
      source: { type: "inputs", inputs },
    },
    acked: { seed, offered: tasks, gives: "value" },
  };
}

/** Submits until it is acknowledged; now and then once more, which must change nothing. */
async function submit(parts: ClientParts, { body, steps, more }: Draft): Promise<AckedJob> {
  const { door, history, chance } = parts;
  const idempotencyKey = `job-${parts.client}-${(made += 1)}`;
  const { id } = await door.must<{ id: string }>("POST", "/v1/jobs", { body, idempotencyKey });
  const job: AckedJob = { id, steps, isClosed: true, ...more };
  history.jobs.set(id, job);
  history.tell("job", { id, steps, idempotencyKey });
  if (chance.isOneIn(4)) {
    const again = await door.must<{ id: string }>("POST", "/v1/jobs", { body, idempotencyKey });
    if (again.id !== id)
      history.violate(`the submission ${idempotencyKey} made ${id}, and made ${again.id} again`);
  }
  return job;
}

/** Waits until it has ended, and keeps what it is told then: it must stay so. */
async function follow({ door, history }: ClientParts, job: AckedJob): Promise<void> {
  let phase = "running";
  while (phase === "running") {
    const answer = await door.persist<{ phase: string }>(
      "GET",
      `/v1/jobs/${job.id}/result?waitMs=1000`,
    );
    if (answer.status !== 200) {
      history.violate(
        `the acknowledged job ${job.id} was told as ${answer.status} ${JSON.stringify(answer.body)}`,
      );
      return;
    }
    phase = answer.body.phase;
  }
  const results = new Map<number, string>();
  for (const number of job.steps.keys()) {
    let told: StepResults | undefined;
    while (!told) told = await resultsOf(door, job.id, number);
    results.set(number, told.text);
  }
  job.ended = { phase, results };
  history.tell("ended", { id: job.id, phase }, 0);
}

/** Most are followed to their end, some are left alone: the last check looks at all. */
async function goOn(parts: ClientParts, job: AckedJob): Promise<void> {
  const { chance, history, door } = parts;
  const following = follow(parts, job);
  if (chance.isOneIn(2)) await following;
  else parts.aside(following);
  await sleep(chance.between(50, 400));
  while (history.openJobs > openJobsMax && !door.isOver) await sleep(50);
}

/** Many tasks at once, short and a little longer. */
export const bags: Client = async (parts) => {
  for (;;) {
    const isSlow = parts.chance.isOneIn(3);
    const { request, acked } = functionStep(
      parts,
      "bag",
      isSlow ? "slow" : "plain",
      parts.chance.whole(1, isSlow ? 30 : 200),
      () => (isSlow ? [parts.chance.whole(0, 300)] : []),
    );
    const body = { title: "bag", steps: [request] };
    await goOn(parts, await submit(parts, { body, steps: [acked] }));
  }
};

/** Two steps, the second after the first. */
export const chains: Client = async (parts) => {
  for (;;) {
    const first = functionStep(parts, "first", "plain", parts.chance.whole(1, 40));
    const second = functionStep(parts, "second", "slow", parts.chance.whole(1, 20), () => [20]);
    const body = {
      title: "chain",
      steps: [first.request, { ...second.request, after: ["first"] }],
    };
    await goOn(parts, await submit(parts, { body, steps: [first.acked, second.acked] }));
  }
};

/**
 * Tasks that write down that they ran: twice only when the machine was lost in between, as none gets a second
 * attempt for being slow.
 */
export const effects: Client = async (parts) => {
  for (let round = 0; ; round++) {
    const file = join(parts.folder, `effects-${parts.client}-${round}`);
    const { request, acked } = functionStep(
      parts,
      "effects",
      "marked",
      parts.chance.whole(1, 20),
      () => [parts.chance.whole(50, 600), file],
    );
    const body = { title: "effects", steps: [{ ...request, speculate: false }] };
    await goOn(parts, await submit(parts, { body, steps: [{ ...acked, effects: file }] }));
  }
};

/** Programs, each with a file that it leaves. */
export const programs: Client = async (parts) => {
  for (let round = 0; ; round++) {
    const file = join(parts.folder, `programs-${parts.client}-${round}`);
    const tasks = parts.chance.whole(1, 4);
    const seed = parts.chance.whole(1, 1_000_000);
    const script = `echo "$0 $PPID $$ $(date +%s%3N)" >> ${file}; sleep 0.1; echo "${seed} $0" > out`;
    const step = {
      name: "program",
      speculate: false,
      run: { driver: "process", command: ["sh", "-c", script, "{index}"] },
      needs: { cpus: 0.05 },
      retries: 100,
      retryMs: 50,
      outputs: [{ path: "out" }],
      source: {
        type: "inputs",
        inputs: Array.from({ length: tasks }, (_, index) => ({ index })),
      },
    };
    const acked: AckedStep = { seed, offered: tasks, gives: "file", effects: file };
    await goOn(
      parts,
      await submit(parts, { body: { title: "program", steps: [step] }, steps: [acked] }),
    );
  }
};

/** A step that is made longer while it runs, then closed. */
export const streams: Client = async (parts) => {
  const { door, history, chance, module } = parts;
  for (;;) {
    const seed = chance.whole(1, 1_000_000);
    const step = {
      name: "stream",
      run: { driver: "runner", module, function: "plain" },
      needs: { cpus: 0.05 },
      retries: 100,
      retryMs: 50,
      source: { type: "list" },
    };
    const acked: AckedStep = { seed, offered: 0, gives: "value" };
    const body = { title: "stream", steps: [step] };
    const job = await submit(parts, { body, steps: [acked], more: { isClosed: false } });
    const path = `/v1/jobs/${job.id}/steps/0`;
    const batches = chance.whole(3, 12);
    for (let batch = 1; batch <= batches; batch++) {
      const from = acked.offered;
      const inputs = Array.from({ length: chance.whole(1, 60) }, (_, at) => [seed, from + at]);
      const close = batch === batches;
      const body = { from, inputs, close };
      const answer = await door.must<{ offered: number; closed: boolean }>(
        "POST",
        `${path}/tasks`,
        { body },
      );
      const offered = from + inputs.length;
      if (answer.offered !== offered)
        history.violate(`${path} has ${answer.offered} tasks after ${offered} were acknowledged`);
      acked.offered = offered;
      job.isClosed = close;
      history.tell("tasks", { id: job.id, from, offered, close }, inputs.length);
      await sleep(chance.between(10, 200));
    }
    await goOn(parts, job);
  }
};

/** Jobs that would take minutes, and are cancelled: they stay so. */
export const cancellations: Client = async (parts) => {
  const { door, history, chance } = parts;
  for (;;) {
    const { request, acked } = functionStep(parts, "long", "slow", 5, () => [600_000]);
    const body = { title: "long", steps: [request] };
    const job = await submit(parts, { body, steps: [acked], more: { cancel: "due" } });
    await sleep(chance.between(0, 1500));
    job.cancel = "asked";
    await door.must("POST", `/v1/jobs/${job.id}/cancel`);
    job.cancel = "done";
    history.tell("cancelled", { id: job.id });
    await goOn(parts, job);
  }
};
