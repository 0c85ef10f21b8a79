import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { InstanceView } from "#/model/instance-views.ts";
import type { OrderView } from "#/model/plan-views.ts";
import type { JobView, Page } from "#/model/views.ts";
import { TestCloud } from "../cloud.ts";
import { JoinedAgent } from "../joined-agent.ts";
import { until } from "../until.ts";
import { bootImage } from "./boot-image.ts";

const count = 26;

/** Where instances, in networks of their own, reach a cloud of this computer. */
const address = Object.values(networkInterfaces())
  .flatMap((entries) => entries ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)!.address;

const seller = new TestCloud();
const buyer = new TestCloud();
let folder: string;
let own: JoinedAgent | undefined;
let way: Server | undefined;
/** Called with the answer to a RunInstances that has come, and is not passed on. */
let onLaunched: (() => void) | undefined;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "canopy-burst-"));
  seller.moreEnv = { CANOPY_NETWORKS: "full", CANOPY_INSTANCES_REACH: address };
  await Promise.all([seller.up(), buyer.up("--no-agent", "--host", "0.0.0.0")]);
});
after(async () => {
  // Instances outlive their cloud.
  for (const { id } of await instances()) await seller.call("DELETE", `/v1/instances/${id}`);
  await until("no instance is left", async () =>
    (await instances()).every(({ state }) => state === "terminated"),
  );
  await own?.stop();
  way?.close();
  await Promise.all([seller.stop(), buyer.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const instances = async () => (await seller.call<Page<InstanceView>>("GET", "/v1/instances")).items;
const orders = async () => (await buyer.call<Page<OrderView>>("GET", "/v1/orders")).items;

/** A way to the seller's AWS services, on which the answer to one launch may be lost. Gives its URL. */
async function openWay(): Promise<string> {
  way = createServer((from) => {
    const to = connect(Number(new URL(seller.awsUrl).port), "127.0.0.1");
    let isLaunch = false;
    from.on("data", (bytes) => {
      isLaunch ||= bytes.includes("Action=RunInstances");
      to.write(bytes);
    });
    to.on("data", (bytes) => {
      const lose = isLaunch && bytes.includes("<instanceId>") ? onLaunched : undefined;
      if (lose) lose();
      else from.write(bytes);
    });
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => way!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(way.address() as { port: number }).port}`;
}

/** A command of that cloud, which must do well; what it prints. */
async function canopy(cloud: TestCloud, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cloud.canopy(...args);
  assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** The seller's instances as a site of the buyer, as a person adds it. */
async function addSite(image: string): Promise<void> {
  const key = await seller.call<Record<string, string>>("POST", "/v1/access-keys", { title: "b" });
  const secrets = {
    AWS_ACCESS_KEY_ID: key["accessKeyId"]!,
    AWS_SECRET_ACCESS_KEY: key["secretAccessKey"]!,
  };
  const endpoint = await openWay();
  const where = ["--region", "us-east-1", "--endpoint", endpoint, "--image", image, "--boot", "5s"];
  // The first one is cheap, and there is no room for it.
  const types = ["--type", "c.8xlarge=0.001", "--type", "c.medium=0.02", "--max", "2"];
  const joinUrl = `http://${address}:${buyer.port}`;
  Object.assign(buyer.moreEnv, secrets);
  await canopy(buyer, "sites", "add", "ec2", ...where, ...types, "--join-url", joinUrl);
}

test("a cloud buys an instance of another one for a deadline, once, though killed in the middle, and gives it back", async () => {
  const image = await canopy(
    seller,
    "images",
    "import",
    bootImage(folder),
    "--name",
    "boot",
    "--json=id",
  );
  await addSite((JSON.parse(image) as { id: string }).id);
  own = await JoinedAgent.start(buyer, {
    folder: join(folder, "own"),
    flags: ["--cpus", "1", "--no-instances"],
  });
  await until("the buyer's own machine is there", () => own!.machine !== undefined);
  const launched = new Promise<void>((resolve) => (onLaunched = resolve));
  // Its own machine is slow until the gate is open; one that was bought never is.
  const gate = join(folder, "gate");
  const task = `until [ -e ${gate} ] || [ -e /bin/boot ]; do sleep 0.1; done`;
  const goal = ["--deadline", "60s", "--budget", "0.1USD", "--expect", "3s", "--yes"];
  const sweep = ["--sweep", `n=1..${count}`, "--", "sh", "-c", task];
  const job = (await canopy(buyer, "run", "-d", ...goal, ...sweep)).trim().split(/\s+/).at(-1)!;
  await launched;
  await buyer.kill();
  onLaunched = undefined;
  await buyer.up("--no-agent", "--host", "0.0.0.0");
  const look = () => buyer.call<JobView>("GET", `/v1/jobs/${job}`);
  await until(
    "all but what its own machine has begun is done elsewhere",
    async () => (await look()).tasks!.succeeded >= count - 1,
  );
  writeFileSync(gate, "");
  await until("the job has ended", async () => (await look()).phase !== "running");
  assert.equal((await look()).phase, "succeeded");
  await until("all is given back", async () =>
    (await orders()).every((order) => order.phase === "released" || order.phase === "failed"),
  );
  const kept = (await orders()).filter(({ phase: end }) => end === "released");
  const sold = await instances();
  const boughtFor = sold.map(({ tags }) => tags["canopy:order"]);
  assert.equal(new Set(boughtFor).size, sold.length, "none was bought twice for one order");
  assert.ok(sold.length > 0 && sold.every(({ type }) => type === "c.medium"));
  const ran = await buyer.call<Page<{ machine?: string }>>(
    "GET",
    `/v1/jobs/${job}/tasks?limit=100`,
  );
  const machines = new Set(ran.items.map(({ machine }) => machine));
  assert.ok(
    kept.some(({ machine }) => machines.has(machine)),
    "it ran tasks",
  );
  assert.ok(
    kept.some(({ cost = "0" }) => Number(cost) > 0),
    "it has cost something",
  );
  const why = await canopy(buyer, "why", job);
  assert.match(
    why,
    /InsufficientInstanceCapacity: There is no machine with room for an instance of type c\.8xlarge/,
  );
  assert.match(why, /ordered \d c\.medium\/on-demand of ec2/);
});
