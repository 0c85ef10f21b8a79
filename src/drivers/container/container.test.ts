import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { HostingError } from "../instances/hosting-error.ts";
import { containerDriver } from "./container.ts";
import { openContainers } from "./open-containers.ts";
import { seen } from "../testing/seen.ts";
import { ContainerRig } from "./testing/container-rig.ts";

const rig = new ContainerRig();
after(() => rig.close());

const sh = (script: string, more: Parameters<ContainerRig["order"]>[1] = {}) =>
  rig.run(["sh", "-c", script], more);

test("a container runs the program of its image: its code and what it printed are known", async () => {
  const ended = await sh("echo out; echo err >&2; id; exit 7");
  assert.equal(ended.by, "itself", ended.message ?? "");
  assert.equal(ended.exitCode, 7);
  assert.match(ended.printed, /out\nerr\nuid=0\(root\) gid=0\(root\)/);
});

test("the image says who runs, where, and with which words around it", async () => {
  const { printed } = await rig.run(["-c", "id; pwd; env; cat /etc/hosts; hostname"], {
    run: { entrypoint: ["sh"], user: "ann", folder: "/srv/app", env: ["A=b c", "PATH=/bin"] },
  });
  assert.match(printed, /uid=1000\(ann\) gid=1000\(ann\) groups=50\(staff\)/);
  assert.match(printed, /\n\/srv\/app\n/);
  for (const entry of ["A=b c", "PATH=/bin", "HOME=/home/ann", "HOSTNAME=ip-172-31-0-4.internal"])
    assert.ok(printed.includes(`\n${entry}\n`), entry);
  assert.match(printed, /172\.31\.0\.4 ip-172-31-0-4\.internal ip-172-31-0-4\n/);
  assert.match(printed, /\nip-172-31-0-4\.internal\n$/);
});

test("root in a container is nobody on the machine, and may do little", async () => {
  const { printed } = await sh(
    "cat /proc/self/uid_map; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status; mount -t tmpfs t /tmp; " +
      "unshare -n true; mknod /tmp/sda b 8 0; hostname other; ls /sys/class/net; ps; " +
      "echo 1 > /proc/sys/kernel/panic; cat /proc/self/mountinfo",
  );
  assert.match(printed, /^\s+0\s+536870912\s+65536\n/);
  assert.match(printed, /CapEff:\s+00000000a80425fb\nNoNewPrivs:\s+1\nSeccomp:\s+2/);
  for (const refused of [
    "mount: permission denied",
    "unshare",
    "mknod: /tmp/sda",
    "hostname: ",
    "panic",
  ])
    assert.match(printed, new RegExp(`${refused}.*\\n`), refused);
  assert.match(printed, /\nlo\n/);
  assert.doesNotMatch(printed, /eth0/);
  assert.ok(!printed.includes(rig.folder), "no path of the machine shows");
});

test("a container that needs more memory than it has is ended, and that is said", async () => {
  const ended = await sh("dd if=/dev/zero of=/dev/null bs=300M count=1", {
    memoryBytes: 64 * 2 ** 20,
  });
  assert.equal(ended.by, "crash");
  assert.match(ended.message!, /more memory than the 67108864 bytes/);
});

test("stop() asks by the image's signal, and kills what does not hear it", async () => {
  const polite = await rig.start(
    rig.order(["sh", "-c", "trap 'echo bye; exit 3' USR1; echo up; while :; do sleep 0.05; done"], {
      run: { stopSignal: "SIGUSR1" },
    }),
  );
  await rig.printed(polite, /up/);
  await polite.stop(5_000);
  assert.deepEqual(await polite.ended, { by: "itself", exitCode: 3 });
  assert.match(Buffer.from(await polite.console()).toString(), /bye/);

  const deaf = await rig.start(rig.order(["sh", "-c", "trap '' TERM; sleep 1000"]));
  const before = performance.now();
  await deaf.stop(200);
  assert.ok(performance.now() - before < 4_000);
  assert.deepEqual(await deaf.ended, { by: "signal", exitCode: 137 });
});

test("reboot() begins anew with the same files; so does stop and start", async () => {
  const order = rig.order(
    [
      "sh",
      "-c",
      "trap exit TERM; echo $((`cat /n 2>/dev/null` + 1)) > /n; cat /n; while :; do sleep 0.05; done",
    ],
    {
      instance: "i-0000000000000000a",
    },
  );
  const running = await rig.start(order);
  await rig.printed(running, /^1\n/);
  await running.reboot();
  await rig.printed(running, /^1\n2\n/);
  await running.stop(0);
  const again = await rig.start(order);
  await rig.printed(again, /^3\n/);
  await again.stop(0);
});

test("find() gives what an earlier life of the agent has started, and how it ended meanwhile", async () => {
  const order = rig.order(
    ["sh", "-c", "echo up; while [ ! -e /end ]; do sleep 0.05; done; exit 9"],
    {
      instance: "i-0000000000000000b",
    },
  );
  const started = await rig.start(order);
  await rig.printed(started, /up/);
  const found = await rig.begin().find(rig.folderOf(order), order);
  assert.ok(found);
  assert.equal(found.startedAt, started.startedAt);
  assert.match(Buffer.from(await found.console()).toString(), /up/);
  assert.ok(found.use()!.memoryBytes > 0);
  await found.stop(0);
  assert.equal(await rig.begin().find(rig.folderOf(order), order), undefined);

  const short = rig.order(["sh", "-c", "exit 9"], { instance: "i-0000000000000000c" });
  await (
    await rig.start(short)
  ).ended;
  const late = await rig.begin().find(rig.folderOf(short), short);
  assert.deepEqual(await late!.ended, { by: "itself", exitCode: 9 });
});

test("a container whose supervisor is killed has crashed, and nothing of it goes on", async () => {
  const order = rig.order(["sleep", "1000"], { instance: "i-00000000000000011" });
  for (const isFound of [false, true]) {
    const started = await rig.start(order);
    const running = isFound ? (await rig.begin().find(rig.folderOf(order), order))! : started;
    const first = Number(rig.pidOf(order));
    const text = readFileSync(join(rig.folderOf(order), "container/supervisor"), "utf8");
    process.kill(Number(text.split(" ")[0]), "SIGKILL");
    assert.equal((await running.ended).by, "crash");
    assert.ok(!rig.parts.processes.isAlive(first));
    await running.stop(0);
  }
});

test("a container is refused with the reason when its image cannot run; nothing of it stays", async () => {
  const refused: [Parameters<ContainerRig["order"]>, RegExp][] = [
    [[["/no/such"]], /\/no\/such/],
    [[[]], /must have an entrypoint or a command/],
    [[["true"], { run: { user: "nobody-knows" } }], /'nobody-knows' is not/],
  ];
  for (const [words, why] of refused) {
    await assert.rejects(rig.start(rig.order(...words)), (thrown: HostingError) => {
      assert.equal(thrown.reasonCode, "Client.InvalidImage");
      assert.match(thrown.message, why);
      return true;
    });
  }
  await assert.rejects(
    rig.start(rig.order(["true"]), { network: { ...rig.network, namespace: "no-such-namespace" } }),
    { reasonCode: "Server.InternalError" },
  );
});

test("where overlayfs is refused a container has a copy of its layers, with what they remove", async () => {
  const outside = join(rig.folder, "outside");
  mkdirSync(join(outside, "kept"), { recursive: true });
  const below = rig.files({ "a/b": "below", "c/d": "below", e: "below" });
  const above = rig.files({ "a/.wh.b": "", "c/.wh..wh..opq": "", "c/f": "above", e: "above" });
  const link = rig.link("leads", outside);
  const through = rig.files({ "leads/.wh.kept": "" });
  const driver = containerDriver(rig.parts, { usesOverlay: false });
  const order = rig.order(
    ["sh", "-c", "ls /a /c; cat /e /c/f; echo $((`cat /n` + 1)) > /n; cat /n"],
    {
      instance: "i-0000000000000000e",
    },
  );
  const layers = [rig.busybox(), below, above];
  for (const [run, all] of [
    [1, layers],
    [2, layers],
  ] as const) {
    const copied = { ...order, root: { ...order.root, layers: all } as never };
    mkdirSync(rig.folderOf(order), { recursive: true });
    const running = await driver.start(rig.folderOf(order), copied, {
      disks: [],
      network: rig.network,
    });
    await running.ended;
    assert.equal(
      Buffer.from(await running.console())
        .toString()
        .replace(/cat: .*\n/, ""),
      `/a:\n\n/c:\nf\naboveabove${run}\n`,
    );
  }
  const evil = rig.order(["true"], { instance: "i-0000000000000000f" });
  mkdirSync(rig.folderOf(evil), { recursive: true });
  const root = { ...evil.root, layers: [rig.busybox(), link, through] } as never;
  await driver
    .start(rig.folderOf(evil), { ...evil, root }, { disks: [], network: rig.network })
    .catch(() => {}); // a folder cannot take the place of a link
  assert.ok(existsSync(join(outside, "kept")), "nothing of the machine is removed");
});

test("the console keeps the last of what was printed, however much that was", async () => {
  const ended = await sh("seq 1 60000; echo end");
  assert.ok(ended.printed.length <= 65_536 && ended.printed.length > 60_000);
  assert.match(ended.printed, /\n60000\nend\n$/);
});

test("layers stay as long as an instance here has them, also one that does not run", async () => {
  const looks: (() => void)[] = [];
  const real = rig.parts.clock;
  const clock: Clock = {
    ...real,
    after: (delayMs, action, background) =>
      delayMs === limits.layersLookMs
        ? { cancel: () => {}, at: looks.push(action) }
        : real.after(delayMs, action, background),
  };
  const parts = {
    ...rig.parts,
    folder: join(rig.folder, "own"),
    mark: `${rig.parts.mark}-own`,
    clock,
  };
  const driver = containerDriver(parts);
  const order = rig.order(["true"], { instance: "i-00000000000000010" });
  const layers = () => readdirSync(join(parts.folder, "layers")).length;
  mkdirSync(rig.folderOf(order));
  await (
    await driver.start(rig.folderOf(order), order, { disks: [], network: rig.network })
  ).ended;
  for (const [expected, before] of [
    [2, () => {}],
    [0, () => rmSync(rig.folderOf(order), { recursive: true })],
  ] as const) {
    before();
    looks.pop()!();
    while (looks.length === 0) await wait(5);
    assert.equal(layers(), expected);
  }
  rig.parts.processes.cages(`${parts.mark}-containers`)?.close();
});

test("openContainers() looks at the machine, and leaves nothing of that look", async () => {
  const { driver, missing } = await openContainers(rig.parts);
  assert.deepEqual(driver?.kinds, ["container", "system"]);
  assert.deepEqual(missing, []);
  assert.ok(!existsSync(join(rig.parts.folder, "trial")));
});

test("terminal() runs a command in a container as its user, with what it reads, prints and ends with; a console it has none", async () => {
  const order = rig.order(["sleep", "1000"], { run: { user: "ann", env: ["A=b"] } });
  const running = await rig.start(order);
  const piped = await running.terminal({ command: ["sh", "-c", "cat; id -un; echo $A; exit 5"] });
  await piped.write("typed\n");
  piped.end();
  assert.equal(await seen(piped), "typed\nann\nb\n");
  assert.equal(await piped.exitCode, 5);

  const size = { columns: 90, rows: 20 };
  // crun gives a terminal its size, and passes on what comes, from a moment after the program's start.
  const ask = "sleep 0.5; stty size; echo $TERM";
  const sized = await running.terminal({ command: ["sh", "-c", ask], size });
  assert.equal(await seen(sized), "20 90\r\nxterm-256color\r\n");
  assert.equal(await sized.exitCode, 0);

  const left = await running.terminal({ command: ["sh", "-c", "sleep 4242 & echo up; wait"] });
  await seen(left, /up/);
  left.close();
  const isLeft = () =>
    !execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).includes("sleep 4242");
  for (let tries = 0; !isLeft() && tries < 200; tries++) await wait(20);
  assert.ok(isLeft(), "what was started goes when the terminal is left");
  await assert.rejects(running.terminal({}), { code: "conflict", message: /must have a terminal/ });
  await running.stop(0);
});

test("terminal() runs a command in the container's own network, and not in the machine's", async () => {
  const told = "readlink /proc/self/ns/net";
  const running = await rig.start(rig.order(["sh", "-c", `${told}; sleep 4243`]));
  await rig.printed(running, /net:\[\d+\]/);
  const own = Buffer.from(await running.console())
    .toString()
    .trim();
  const command = await running.terminal({ command: ["sh", "-c", told] });
  assert.equal((await seen(command)).trim(), own);
  assert.notEqual(own, readlinkSync("/proc/self/ns/net"));
  await running.stop(0);
});
