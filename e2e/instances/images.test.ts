import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TestCloud } from "../cloud.ts";
import { debianTools, type DebianTools } from "../debian-aws.ts";
import { JoinedAgent } from "../joined-agent.ts";
import { until } from "../until.ts";

/** Two machines: this computer's own, and one that joins and has never seen an image. */
const cloud = new TestCloud();
let folder: string;
let other: JoinedAgent | undefined;
let tools: DebianTools;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "canopy-made-"));
  await cloud.up();
  tools = await debianTools(cloud, folder);
});
after(async () => {
  // What runs outlives its cloud, also where a test has failed.
  for (const id of launched) await cloud.call("DELETE", `/v1/instances/${id}`);
  for (const id of launched) await is(id, "terminated");
  await other?.stop();
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

const launched: string[] = [];
const read = (id: string) =>
  cloud.call<{ state: string; machine: string }>("GET", `/v1/instances/${id}`);
const is = (id: string, state: string) =>
  until(`${id} is ${state}`, async () => (await read(id)).state === state);
const says = (id: string, words: string) =>
  until(`${id} says ${words}`, async () => {
    const { stdout } = await cloud.canopy("instances", "console", id);
    return stdout.includes(words);
  });

/** Runs `canopy`, and gives what it says. */
async function canopy<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await cloud.canopy(...args, "--json");
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

async function run(image: string, machine: string | undefined): Promise<string> {
  const placement = { ...(machine !== undefined && { machine }) };
  const asked = { image, type: "c.nano", placement };
  // What a computer can do is found out beside all else.
  await until("there is room", async () => {
    const made = await cloud
      .call<{ items: { id: string }[] }>("POST", "/v1/instances", asked)
      .catch((thrown: unknown) => {
        if (!String(thrown).includes("no-capacity")) throw thrown;
        return { items: [] };
      });
    launched.push(...made.items.map(({ id }) => id));
    return made.items.length > 0;
  });
  const id = launched.at(-1)!;
  await is(id, "running");
  return id;
}

/** A folder with a recipe of an image that counts how often it was begun. */
function recipe(): string {
  const at = join(folder, "counter");
  mkdirSync(join(at, "bin"), { recursive: true });
  for (const name of ["sh", "cat", "sleep", "rm"])
    copyFileSync("/bin/busybox", join(at, "bin", name));
  const words = "echo again >>/begun; rm -f /first; echo begun: $(cat /begun); exec sleep 100000";
  const dockerfile = `FROM scratch
COPY bin /bin
RUN ["/bin/sh", "-c", "echo built >/begun; echo x >/first"]
ENV GREETING=hello
CMD ["/bin/sh", "-c", "echo $GREETING $(cat /first); ${words}"]
`;
  writeFileSync(join(at, "Dockerfile"), dockerfile);
  return at;
}

test("an image is built of a recipe, made of what an instance of it has changed, and runs on a machine that has never seen it", async () => {
  const built = await canopy<{ id: string }>("images", "build", recipe(), "--name", "counter");
  const first = await run(built.id, undefined);
  await says(first, "hello x");
  await says(first, "begun: built again");
  const words = `create-image --instance-id ${first} --name made --query ImageId`;
  const made = await tools.ec2(words);
  await tools.ec2(`wait image-available --image-ids ${made}`);
  await assert.rejects(tools.ec2(words), /InvalidAMIName.Duplicate/);

  other = await JoinedAgent.start(cloud, { folder: join(folder, "other") });
  await until("it has joined", () => Promise.resolve(other?.machine !== undefined));
  const second = await run(made, other.machine);
  await says(second, "begun: built again again");
  assert.equal((await read(first)).state, "running", "it stood still, and goes on");

  await cloud.call("POST", `/v1/instances/${second}/stop`);
  await is(second, "stopped");
  type Made = { state: string; madeOf: string; blobs: unknown[] };
  const ofStopped = await canopy<Made>("images", "create", second, "--name", "of stopped");
  assert.equal(ofStopped.state, "available");
  assert.equal(ofStopped.madeOf, second);
  assert.equal(ofStopped.blobs.length, 3, "the layer of the recipe, and one of each instance");
});
