import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createPlainServer, connect } from "node:net";
import { after, test } from "node:test";
import { machineFile, type Machine } from "./machine.ts";
import { heard, VmRig } from "./testing/rig.ts";
import { tinyGuest } from "./testing/tiny-guest.ts";
import { freePort } from "#/base/testing/free-port.ts";

const guest = tinyGuest();
const skip = guest ? false : "there is no kernel for guests here";
const rig = guest ? await VmRig.make(guest) : undefined!;
const namespace = `canopy-vm-${process.pid}`;
after(async () => {
  await rig?.close();
  execFileSync("sh", ["-c", `ip netns del ${namespace} 2>/dev/null || true`]);
});

const up = "ip link set eth0 up; ip addr add 10.0.0.5/32 dev eth0; ip route add default dev eth0";

test(
  "without rights a guest reaches its own metadata service and nothing else, and is reached at its ports",
  { skip },
  async (t) => {
    t.after(() => void metadata.close());
    t.after(() => void other.close());
    const metadata = createServer((request, response) =>
      response.end(`metadata of ${request.url}\n`),
    );
    await new Promise<void>((resolve) => void metadata.listen(rig.metadataSocket, resolve));
    chmodSync(rig.metadataSocket, 0o666);
    const other = createPlainServer((socket) => void socket.end("other\n"));
    const otherPort = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
    });
    const port = await freePort();
    const order = rig.order();
    const network = { type: "user", forwards: [{ address: "127.0.0.1", port, to: 80 }] } as const;
    const { vm, typist, folder } = await rig.start(t, order, rig.means([], network));
    const { pid } = JSON.parse(readFileSync(machineFile(folder), "utf8")) as Machine;
    assert.doesNotMatch(readFileSync(`/proc/${pid}/status`, "utf8"), /^Uid:.*\t0\b/m);
    await heard(vm, "ready for commands");
    assert.match(
      await typist.run("ip link set eth0 up; udhcpc -i eth0 -n -q -s /bin/true"),
      /lease of 10\.0\.0\.5 obtained/,
    );
    await typist.run(up);
    for (const path of ["one", "two"])
      assert.match(
        await typist.run(`wget -q -O - http://169.254.169.254/${path}`),
        new RegExp(`metadata of /${path}`),
      );
    for (const address of [`10.0.0.1:${otherPort}`, `127.0.0.1:${otherPort}`])
      assert.doesNotMatch(await typist.run(`wget -T 2 -q -O - http://${address}/`), /other/);
    await typist.type("while true; do echo 'guest here' | nc -l -p 80; done &");
    let said = "";
    for (let tries = 0; said === "" && tries < 100; tries++) {
      await new Promise((next) => setTimeout(next, 100));
      said = await answerOf(port);
    }
    assert.match(said, /guest here/);
  },
);

test("a guest is at its tap in the network namespace that was made for it", { skip }, async (t) => {
  const run = (script: string) => execFileSync("sh", ["-ec", script], { encoding: "utf8" });
  run(`ip netns add ${namespace}
    ip -n ${namespace} tuntap add tap0 mode tap
    ip -n ${namespace} addr add 10.0.0.1/24 dev tap0
    ip -n ${namespace} link set tap0 up`);
  const order = rig.order();
  const { vm, typist } = await rig.start(t, order, rig.means([], { namespace, tap: "tap0" }));
  await heard(vm, "ready for commands");
  assert.match(await typist.run(`${up}; ping -c 1 10.0.0.1`), /1 packets received/);
  assert.match(await typist.run("cat /sys/class/net/eth0/address"), /02:00:00:00:00:05/);
});

/** What who listens there says first; nothing where nobody does. */
function answerOf(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", (data) => resolve(String(data)));
    socket.on("error", () => {});
    socket.once("close", () => resolve(""));
  });
}
