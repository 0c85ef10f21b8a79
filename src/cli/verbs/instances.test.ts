import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { putImage, startHost, type TestHost } from "#/api/testing/host.ts";
import { startWorld, type World } from "#/api/testing/world.ts";
import type { InstanceView } from "#/model/instance-views.ts";
import { newOf } from "../instances/console.ts";
import { canopy, type Ran } from "../testing/terminal.ts";

let world: World;
let host: TestHost;
let env: Record<string, string>;
let run: (...argv: string[]) => Promise<Ran>;
const folder = mkdtempSync(join(tmpdir(), "canopy-cli-instances-"));

before(async () => {
  world = await startWorld();
  const url = await world.listen();
  host = await startHost(world, url);
  await putImage(world);
  env = { CANOPY_URL: url, CANOPY_KEY: world.root, XDG_CONFIG_HOME: folder };
  run = (...argv) => canopy(argv, { env, folder });
});
after(async () => {
  host.close();
  await world.stop();
  rmSync(folder, { recursive: true });
});

test("an instance is launched with what was asked for, waited for, stopped, started and terminated", async () => {
  writeFileSync(join(folder, "begin.sh"), "#!/bin/sh\necho hi\n");
  const asked = "--type c.nano --name web --user-data begin.sh --tag team=a --port 22".split(" ");
  const made = await run("instances", "run", "small", ...asked, "--wait", "--json");
  assert.equal(made.code, 0, made.stderr);
  const [instance] = JSON.parse(made.stdout) as InstanceView[];
  assert.match(made.stderr, /are alone: they have no network of their own/);
  assert.partialDeepStrictEqual(instance, { name: "web", state: "running", tags: { team: "a" } });
  const { userData } = world.space.get("instance", instance!.id)!.spec;
  assert.equal(Buffer.from(userData!, "base64").toString(), "#!/bin/sh\necho hi\n");
  assert.match((await run("instances")).stdout, /^i-\w+\tweb\trunning\tc\.nano\tcontainer\t/);
  assert.match((await run("instance", "show", "web")).stdout, /type\tc\.nano, a container\n/);
  assert.equal((await run("instances", "stop", "web", "--wait")).code, 0);
  assert.match((await run("instances", "ls", "--state", "stopped")).stdout, /\tstopped\t/);
  const change = ["--type", "c.micro", "--protect", "--tag", "team=b", "--name", "site"];
  assert.equal((await run("instances", "change", "web", ...change)).code, 0);
  assert.match((await run("instances", "show", "site")).stdout, /tags\tteam=b Name=site\n/);
  assert.equal((await run("instances", "rm", "site", "--yes")).code, 4, "it is protected");
  assert.equal((await run("instances", "change", "site", "--type", "u.nano")).code, 2);
  await run("instances", "change", "site", "--no-protect", "--name", "web");
  assert.equal((await run("instances", "start", "web", "--wait")).code, 0);
  assert.match(
    (await run("cost", "project")).stdout,
    /instances\t0\.\d+ USD by \d, at list price\n/,
  );
  assert.equal((await run("instances", "rm", "web")).code, 2, "nobody was asked");
  const why = await run("why", instance!.id);
  assert.match(why.stdout, /^i-\w+ is running\n• \S+: it is there as it was the only machine/);
  const gone = await run("instances", "rm", "web", "--yes", "--wait");
  assert.match(gone.stderr, /is terminated/);
  assert.equal((await run("instances", "show", "web")).code, 3);
  assert.equal((await run("instances")).stdout, "");
  assert.match((await run("instances", "--all")).stdout, /\tterminated\t/);
});

test("what cannot be launched ends with the exit code of its reason", async () => {
  assert.equal((await run("instances", "run", "nothing")).code, 3);
  assert.equal((await run("instances", "run", "small", "--type", "c.huge")).code, 2);
  assert.equal((await run("instances", "run", "small", "--type", "c.8xlarge")).code, 7);
  const wrong = await run("instances", "run", "small", "--volume", "20GiB");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /SIZE\[:TYPE\]:DEVICE/);
});

test("a spot instance is asked for by its words, which are for nothing else", async () => {
  const words = ["--spot", "--max-price", "0.5", "--on-interruption", "stop", "--type", "c.nano"];
  const made = await run("instances", "run", "small", ...words, "--json");
  assert.equal(made.code, 0, made.stderr);
  const [{ id, isSpot } = { id: "", isSpot: false }] = JSON.parse(made.stdout) as InstanceView[];
  assert.equal(isSpot, true);
  const { maxMicrosPerHour, onInterruption } = world.space.get("instance", id)!.spec.market!;
  assert.deepEqual([maxMicrosPerHour, onInterruption], [500_000, "stop"]);
  await run("instances", "rm", id, "--yes", "--wait");
  const wrong = await run("instances", "run", "small", "--max-price", "0.5");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Cannot take --max-price as it is of spot instances alone/);
});

test("the console is printed, and ssh says where there is nothing to reach", async () => {
  const made = await run("instances", "run", "small", "--name", "box", "--wait");
  assert.equal(made.code, 0, made.stderr);
  host.answer = () => ({ content: Buffer.from("booted\n").toString("base64") });
  assert.equal((await run("instances", "console", "box")).stdout, "booted\n");
  const ssh = await run("instances", "ssh", "box", "--identity", "key", "--", "true");
  assert.equal(ssh.code, 3, "the test's terminal has no programs");
  await run("instances", "rm", "box", "--yes");
});

test("why of a type tells where there is room", async () => {
  assert.match(
    (await run("why", "c.nano")).stdout,
    /^c\.nano is available\n.*has room for \d+ more/,
  );
  assert.equal((await run("why", "instance-type", "c.none")).code, 3);
});

test("a person sits at the console until they press Ctrl-], and a command runs with its exit code", async () => {
  await run("instances", "run", "small", "--type", "c.nano", "--name", "seat", "--wait");
  host.answer = () => ({ content: Buffer.from("booted\n").toString("base64") });
  const sat = await canopy(["instances", "console", "seat"], {
    env,
    folder,
    isTty: true,
    async keys(press, seen) {
      press(Buffer.from("whoami"));
      while (!seen().includes("whoami")) await new Promise(setImmediate);
      press(Buffer.from("\x1dlost"));
    },
  });
  assert.equal(sat.code, 0, sat.stderr);
  assert.match(
    sat.stderr,
    /This is the console of i-\w+\. Ctrl-\] leaves it\.\r\n\r\nYou have left/,
  );
  assert.equal(sat.stdout, "booted\r\nlogin: whoami");
  const ran = await canopy(["instances", "exec", "seat", "--", "echo", "hi "], {
    env,
    folder,
    input: "typed",
  });
  assert.deepEqual([ran.code, ran.stdout], [3, "echo hi typed"]);
  assert.equal((await run("instances", "exec", "seat")).code, 2, "no command");
});

test("who is told of instances is listed, added and removed", async () => {
  await run("webhook", "create", "told", "https://example.org/events");
  await run("instances", "run", "small", "--name", "watched", "--type", "c.nano");
  const words = ["--webhook", "told", "--on", "running", "interruption"];
  const of = ["--instance", "watched", "--tag", "team=a"];
  const added = await run("instances", "tell", ...words, ...of);
  assert.equal(added.code, 0, added.stderr);
  const { stdout } = await run("instances", "told");
  assert.match(
    stdout,
    /^(e\w+)\tarn:canopy:webhook:\S+:told\trunning interruption\ti-\w+ team=a\t\n$/,
  );
  assert.equal((await run("instances", "tell")).code, 2);
  assert.equal((await run("instances", "tell", "--webhook", "none")).code, 3);
  assert.equal((await run("instances", "tell", "--webhook", "told", "--on", "asleep")).code, 2);
  await run("webhook", "delete", "told", "--yes");
  assert.match((await run("instances", "told")).stdout, /\tit was removed\n$/);
  const [id = ""] = stdout.split("\t");
  assert.equal((await run("instances", "untell", id)).code, 0);
  assert.equal((await run("instances", "untell", id)).code, 3);
  await run("instances", "rm", "watched", "--yes");
});

test("newOf() gives what a console printed since, also when its beginning was lost", () => {
  assert.equal(newOf("", "one\n"), "one\n");
  assert.equal(newOf("one\n", "one\ntwo\n"), "two\n");
  assert.equal(newOf("one\ntwo\n", "two\nthree\n"), "three\n");
  assert.equal(newOf("one\n", "one\n"), "");
  assert.equal(newOf("one\n", "nine\n"), "nine\n");
});

test("volumes are made, attached, grown, detached and deleted, and snapshots taken", async () => {
  const made = await run("volumes", "create", "4GiB", "--name", "data");
  const volume = made.stdout.trim();
  assert.match(volume, /^vol-[0-9a-f]{17}$/, made.stderr);
  await run("instances", "run", "small", "--name", "keeper", "--wait");
  assert.equal((await run("volumes", "attach", volume, "keeper", "/dev/sdf")).code, 0);
  assert.match((await run("volumes")).stdout, /\tdata\tin-use\t4GiB\tgp3\ti-\w+ as \/dev\/sdf\t/);
  const taken = await run("snapshots", "create", volume, "--name", "first", "--wait");
  assert.equal(taken.code, 0, taken.stderr);
  assert.match((await run("snapshots")).stdout, /^snap-\w+\tfirst\tcompleted\t4GiB\t4KiB\tvol-/);
  assert.equal((await run("volumes", "grow", volume, "8GiB")).code, 0);
  assert.equal((await run("volumes", "grow", volume, "1GiB")).code, 2);
  assert.equal((await run("volumes", "rm", volume, "--yes")).code, 5);
  assert.equal((await run("volumes", "detach", volume)).code, 0);
  const isFree = async () => (await run("volumes", "--state", "available")).stdout !== "";
  while (!(await isFree()));
  assert.match((await run("volumes", "show", volume)).stdout, /size\t8GiB/);
  assert.equal((await run("volumes", "rm", volume, "--yes")).code, 0);
  const [snapshot = ""] = (await run("snapshots")).stdout.split("\t");
  assert.equal((await run("snapshots", "rm", snapshot, "--yes")).code, 0);
  assert.equal((await run("snapshots", "rm", snapshot, "--yes")).code, 3);
  assert.equal((await run("volumes", "rm", "vol-0123456789abcdef0", "--yes")).code, 3);
  await run("instances", "rm", "keeper", "--yes");
});

test("key pairs are made into a file of one's own, imported, listed and deleted", async () => {
  const made = await run("key-pairs", "create", "mine", "--into", "mine.pem");
  assert.equal(made.code, 0, made.stderr);
  assert.equal(statSync(join(folder, "mine.pem")).mode & 0o777, 0o600);
  const { stdout } = await run("key-pairs", "--json");
  const [{ publicKey }] = JSON.parse(stdout) as [{ publicKey: string }];
  writeFileSync(join(folder, "other.pub"), publicKey);
  assert.equal((await run("key-pairs", "import", "other", "other.pub")).code, 0);
  assert.equal((await run("key-pairs", "import", "other", "other.pub")).code, 5);
  assert.equal((await run("key-pairs", "import", "bad", "mine.pem")).code, 2);
  assert.match((await run("key-pair")).stdout, /^mine\ted25519\t.*\nother\ted25519\t/);
  assert.equal((await run("instances", "run", "small", "--key", "mine")).code, 0);
  assert.equal((await run("key-pairs", "rm", "mine", "--yes")).code, 0);
  assert.equal((await run("key-pairs", "rm", "mine", "--yes")).code, 3);
});
