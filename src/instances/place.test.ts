import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { AwsError } from "#/model/aws-error.ts";
import { instanceTypes, type InstanceKind } from "#/model/instance-type.ts";
import type { InstancePlacement, InstanceRecord } from "#/model/instance.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import type { Field } from "./field.ts";
import { folded, Hosts, requirePlacement } from "./place.ts";

const GiB = 2 ** 30;
let space: Space;
let loads: Record<string, number>;
beforeEach(async () => {
  loads = {};
  space = await Space.open({
    log: new MemoryLog(),
    clock: nodeClock,
    report: silent,
    onBroken: () => {},
  });
});
afterEach(() => space.close());

interface Made {
  labels?: Record<string, string>;
  site?: string;
  cpus?: number;
  gib?: number;
  perHour?: number;
  watts?: [idle: number, peak: number];
  spec?: Partial<MachineRecord["spec"]>;
  kinds?: readonly InstanceKind[];
}

/** A machine that is free but for what the test takes. */
function add(name: string, made: Made = {}): void {
  const { labels = {}, site = "", cpus = 4, gib = 8, perHour, watts = [0, 0], spec } = made;
  const { kinds = ["container", "vm"] } = made;
  space.commit((tx) =>
    tx.put<"machine">({
      kind: "machine",
      project: "",
      name,
      spec: { keyDigest: "", joinedAt: 0, site, labels, cordoned: false, ...spec },
      status: {
        hostname: name,
        os: "linux",
        arch: "x64",
        version: "0",
        capacity: { milliCpus: cpus * 1000, memoryBytes: gib * GiB },
        drivers: [],
        hosting: { kinds, hasKvm: false, networks: "full", storages: [], missing: ["no QEMU"] },
        rates: {
          microsPerHour: perHour === undefined ? undefined : perHour * 1e6,
          idleWatts: watts[0],
          peakWatts: watts[1],
          pue: 1,
        },
      },
    }),
  );
}

const field = (away: readonly string[] = []): Field => ({
  machines: () =>
    [...space.all("machine")].map(({ name, status }) => ({
      machine: name,
      connected: !away.includes(name),
      free: { ...status.capacity },
      load: loads[name] === undefined ? undefined : { cpuShare: loads[name] },
    })),
});

const asked = (placement: InstancePlacement = {}, type = "c.large") => ({
  type: instanceTypes.get(type)!,
  project: "default",
  placement,
});

/** Where so many go, one after the other. */
function placed(count: number, placement: InstancePlacement = {}, type?: string): string[] {
  const hosts = new Hosts(space, field());
  return Array.from({ length: count }, () => hosts.take(asked(placement, type)).record.name);
}

test("instances are spread when nothing is said, and packed when that is asked for", () => {
  add("a");
  add("b");
  assert.deepEqual(placed(4), ["a", "b", "a", "b"]);
  assert.deepEqual(placed(4, { rank: "pack" }), ["a", "a", "b", "b"]);
});

test("'load' takes the machine that does least, with what was placed there since", () => {
  add("busy");
  add("calm");
  Object.assign(loads, { busy: 0.9, calm: 0.1 });
  assert.deepEqual(placed(2, { rank: "load" }), ["calm", "calm"]);
  Object.assign(loads, { busy: 0.4, calm: 0.1 });
  assert.deepEqual(placed(2, { rank: "load" }), ["calm", "busy"]);
});

test("'energy' takes the machine that draws least more for it: one that is awake before one at rest", () => {
  add("hungry", { watts: [50, 300] });
  add("frugal", { watts: [40, 80] });
  add("unknown");
  assert.deepEqual(placed(2, { rank: "energy" }), ["frugal", "frugal"]);
  assert.equal(placed(3, { rank: "energy" })[2], "hungry", "what is not known comes last");
});

test("'cheapest' takes the machine of which its share costs least", () => {
  add("small", { perHour: 0.2 });
  add("large", { cpus: 16, gib: 32, perHour: 0.6 });
  add("unknown");
  assert.deepEqual(placed(1, { rank: "cheapest" }), ["large"]);
});

test("a rank in CEL is a number, the larger the better; what cannot be told comes last", () => {
  add("a", { labels: { disk: "2" } });
  add("b", { labels: { disk: "7" } });
  add("c");
  assert.deepEqual(placed(1, { rank: "double(machine.labels.disk)" }), ["b"]);
  assert.deepEqual(placed(1, { rank: `machine.name == "c"` }), ["c"]);
});

test("requirements in CEL are asked of each machine, and told where none fits", () => {
  add("a", { labels: { disk: "ssd" } });
  add("b", { labels: { disk: "hdd" } });
  add("c");
  assert.deepEqual(placed(1, { requirements: `machine.labels.disk == "hdd"` }), ["b"]);
  assert.deepEqual(placed(1, { requirements: "machine.freeCpus >= 4.0 && has(machine.zone)" }), [
    "a",
  ]);
  assert.throws(() => placed(1, { requirements: `machine.labels.disk == "tape"` }), {
    message: /a, b is not one where .*tape.*; c cannot be asked whether .*disk/,
    code: "no-capacity",
  });
  const wrong = (placement: InstancePlacement) => () => requirePlacement(placement, space);
  assert.throws(wrong({ requirements: "machine.(" }), { awsCode: "InvalidParameterValue" });
  const loops = "[1, 2].all(a, [1, 2].all(b, a == b))";
  assert.throws(wrong({ requirements: loops }), /over 1 list/);
  assert.deepEqual(placed(1, { requirements: `machine.kinds.exists(kind, kind == "vm")` }), ["a"]);
  assert.throws(wrong({ rank: "best of all" }), { awsCode: "InvalidParameterValue" });
  assert.throws(wrong({ zone: "us-east-1z" }), { awsCode: "InvalidParameterValue" });
  requirePlacement({ rank: "pack" }, space);
});

test("those of a spread group are never on one machine, those of a cluster always", () => {
  add("a");
  add("b");
  const spread = { group: { title: "quorum", strategy: "spread" as const } };
  assert.deepEqual(placed(2, spread, "c.nano").sort(), ["a", "b"]);
  assert.throws(() => placed(3, spread, "c.nano"), /has one of quorum already/);
  const cluster = { group: { title: "near", strategy: "cluster" as const } };
  assert.deepEqual(new Set(placed(2, cluster)).size, 1);
  assert.throws(() => placed(3, cluster), /is not where the others of near are/);
});

test("a port of a machine is one instance's: those that publish it are on machines of their own", () => {
  add("a");
  add("b");
  const publishing = { ...asked({}, "c.nano"), published: { 80: 8080 } };
  const hosts = new Hosts(space, field());
  const taken = [hosts.take(publishing), hosts.take(publishing)];
  assert.deepEqual(taken.map(({ record }) => record.name).sort(), ["a", "b"]);
  hosts.take({ ...publishing, published: { 80: 8081 } });
  assert.throws(() => hosts.take(publishing), {
    message: /a, b gives its port 8080 to another one of them/,
    code: "no-capacity",
  });
});

test("a port is an instance's where it is, where it comes to, and where it may still be", () => {
  for (const name of ["a", "b", "c", "d"]) add(name);
  const move = { migration: "mig-1", to: "b", since: 0, sealedKey: "", sharesStorage: true };
  const status = { state: "running", since: 0, fence: 1, machine: "a", move, left: ["c"] };
  const put = (more: Partial<InstanceRecord["status"]>) =>
    space.commit((tx) =>
      tx.put<"instance">({
        ...tx.get("instance", "i-1"),
        kind: "instance",
        project: "default",
        name: "i-1",
        spec: { type: "c.nano", placement: {}, network: { published: { 80: 8080 } } },
        status: { ...status, ...more },
      } as unknown as InstanceRecord),
    );
  put({});
  const told = (project: string, instance = "i-2") =>
    new Hosts(space, field())
      .explain({ ...asked({}, "c.nano"), project, instance, published: { 443: 8080 } })
      .map(({ machine, sentence }) => `${machine} ${sentence}`);
  const gave = (who: string) =>
    ["a", "b", "c"].map((name) => `${name} gave its port 8080 to ${who}`);
  assert.deepEqual(told("default"), gave("i-1"));
  assert.deepEqual(told("other"), gave("another project"));
  assert.deepEqual(told("default", "i-1"), [], "its own");
  put({ state: "stopped", move: undefined, left: undefined });
  assert.deepEqual(told("default"), []);
});

test("a zone is that of the machines that joined, or of a site", () => {
  space.commit((tx) =>
    tx.put<"site">({
      kind: "site",
      project: "",
      name: "away",
      spec: { createdAt: 0, config: { type: "simulated" } as never },
      status: { health: "healthy", since: 0 },
    }),
  );
  add("here", { site: "local" });
  add("there", { site: "away" });
  assert.deepEqual(placed(1, { zone: "us-east-1a" }), ["here"]);
  assert.deepEqual(placed(2, { zone: "us-east-1b" }), ["there", "there"]);
});

test("a machine holds no more than it has", () => {
  add("a", { cpus: 2, gib: 4 });
  assert.throws(() => placed(2, {}, "c.large"), /has 0 of 2 CPUs free/);
});

test("labels overcommit a machine, and bound the processors that instances see", () => {
  add("a", { cpus: 2, gib: 4, labels: { "overcommit-cpu": "2", "vcpus-per-cpu": "1.5" } });
  assert.throws(() => placed(2, {}, "c.large"), /has 1 of 2 virtual CPUs left/);
  add("b", { cpus: 2, gib: 4, labels: { "overcommit-cpu": "2" } });
  assert.deepEqual(placed(2, { machine: "b" }, "c.large"), ["b", "b"]);
  assert.throws(() => placed(3, { machine: "b" }, "c.large"), /has 0B of 2GiB|has 0 of 2 CPUs/);
});

test("what cannot be there says why, and what would turn it", () => {
  add("a", { spec: { cordoned: true } });
  add("b", { spec: { reservedForProject: "other" } });
  add("c", { kinds: ["container"] });
  add("d");
  const hosts = new Hosts(space, field(["d"]));
  const told = hosts.explain(asked({}, "v.small"));
  assert.deepEqual(
    told.map(({ machine, sentence }) => [machine, sentence]),
    [
      ["a", "is cordoned"],
      ["b", "is another project's"],
      ["c", "cannot run a vm: no QEMU"],
      ["d", "is not connected"],
    ],
  );
  assert.equal(told[0]!.advice, "canopy machines uncordon a");
  assert.throws(
    () => hosts.take(asked({}, "v.small")),
    (thrown) => thrown instanceof AwsError && thrown.hint === "canopy why v.small",
  );
});

test("equal reasons are told once, with the machines that have them", () => {
  const all = ["a", "b", "c", "d"].map((machine) => ({ machine, sentence: "is cordoned" }));
  assert.deepEqual(
    folded([...all, { machine: "e", sentence: "is gone" }]).map(({ machine }) => machine),
    ["a, b and 2 more", "e"],
  );
});
