import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { newCloud } from "./clouds.ts";
import { JoinedAgent } from "./joined-agent.ts";
import { until } from "./until.ts";

const cloud = newCloud();
const folder = mkdtempSync(join(tmpdir(), "canopy-gang-"));
const agents: JoinedAgent[] = [];
after(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await rm(folder, { recursive: true, force: true });
});

/**
 * Every member listens, and calls every other one until that answers: when all have heard from all, they
 * end. None of them could alone. The first run waits until it is told to go on, to be caught at it.
 */
const meeting = `
const net = require("node:net");
const { existsSync } = require("node:fs");
const { CANOPY_GANG_RANK, CANOPY_GANG_SIZE, CANOPY_GANG_HOSTS, CANOPY_GANG_PORT, CANOPY_ATTEMPT } = process.env;
const rank = Number(CANOPY_GANG_RANK), size = Number(CANOPY_GANG_SIZE), port = Number(CANOPY_GANG_PORT);
const hosts = CANOPY_GANG_HOSTS.split(",");
const heard = new Set([rank]);
let answered = 0;
const server = net.createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", (data) => { heard.add(Number(data)); socket.end("yes"); look(); });
}).listen(port + rank, "0.0.0.0");
function look() {
  if (heard.size < size || answered < size - 1) return;
  console.log("rank " + rank + " met " + [...heard].sort().join(" ") + " on attempt " + CANOPY_ATTEMPT);
  const goOn = () => existsSync(process.argv[1]) ? process.exit(0) : setTimeout(goOn, 50);
  goOn();
}
function call(other) {
  const socket = net.connect(port + other, hosts[other], () => socket.write(String(rank)));
  socket.once("data", () => { answered++; look(); });
  socket.once("error", () => setTimeout(call, 50, other));
}
for (let other = 0; other < size; other++) if (other !== rank) call(other);
`;

test("the tasks of a gang meet over TCP, and all run again when the machine of one of them dies", async () => {
  await cloud.up();
  for (const name of ["one", "two", "three"])
    agents.push(
      await JoinedAgent.start(cloud, { folder: join(folder, name), flags: ["--cpus", "2"] }),
    );
  await until("all have joined", () => agents.every(({ machine }) => machine !== undefined));
  const goOn = join(folder, "go-on");
  const program = [process.execPath, "-e", meeting, goOn];
  const { code, stdout, stderr } = await cloud.canopy("run", "-d", "--gang", "5", "--", ...program);
  assert.equal(code, 0, stderr);
  const job = stdout.trim();
  const logs = async () => (await cloud.canopy("logs", job)).stdout;
  const met = async (attempt: number) =>
    (await logs()).split("\n").filter((line) => line.includes(`on attempt ${attempt}`)).length;
  await until("all have met", async () => (await met(1)) === 5);

  const { items } = await cloud.call<{ items: { machine?: string }[] }>(
    "GET",
    `/v1/jobs/${job}/tasks?phase=running`,
  );
  const victim = agents.find(({ machine }) => items.some((task) => task.machine === machine))!;
  await victim.kill();
  agents.splice(agents.indexOf(victim), 1);
  agents.push(
    await JoinedAgent.start(cloud, { folder: join(folder, "four"), flags: ["--cpus", "2"] }),
  );
  await until("all have met again", async () => (await met(2)) === 5);
  await cloud.canopy("run", "--", "touch", goOn);
  const followed = await cloud.canopy("follow", job);
  assert.equal(followed.code, 0, followed.stderr);
  assert.match(await logs(), /rank 4 met 0 1 2 3 4 on attempt 2/);
});

test("functions of a gang run beside each other, also on one machine, and know their places", async () => {
  const file = join(folder, "meet.ts");
  writeFileSync(
    file,
    `import { gangPlace, job, task } from "canopy-cloud/sdk";
     import { existsSync, writeFileSync } from "node:fs";
     import { setTimeout as sleep } from "node:timers/promises";
     export const meet = task(async (folder: string) => {
       const { rank, size, hosts } = gangPlace()!;
       writeFileSync(folder + "/met-" + rank, "");
       for (let other = 0; other < size; other++)
         while (!existsSync(folder + "/met-" + other)) await sleep(20);
       return rank + " of " + size + " at " + hosts.length;
     }, { gang: true });
     export default job((folder: string) => meet.map(Array.from({ length: 4 }, () => folder)));
    `,
  );
  const { code, stdout, stderr } = await cloud.canopy("run", "--json", file, folder);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /0 of 4 at 4.*1 of 4 at 4.*2 of 4 at 4.*3 of 4 at 4/s);
});

test("a gang that the machines could never carry is refused, and one that has to wait says what it lacks", async () => {
  const refused = await cloud.canopy("run", "--gang", "500", "--", "true");
  assert.equal(refused.code, 6);
  assert.match(
    refused.stderr,
    /500 of its tasks run at once or not at all, and all \d+ machines together have places for \d+/,
  );
});
