import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { freePort } from "#/base/testing/free-port.ts";
import { containerDriver } from "./container.ts";
import { ContainerRig } from "./testing/container-rig.ts";

const rig = new ContainerRig();
after(() => rig.close());

/** The metadata service of an instance, at its socket. */
const service = createServer((request, response) =>
  response.end(`${request.method} ${request.url}`),
);
await new Promise<void>((resolve) => service.listen(rig.network.metadataSocket, resolve));
after(() => service.close());

/** What asks in its very first moment may be too early. */
const asks = "sleep 0.1; wget -qO- http://169.254.169.254/latest/meta-data/instance-id";

const own = { type: "user", metadataSocket: rig.network.metadataSocket, forwards: [] } as const;
const serves = "(echo hello | nc -l -p 80) & sleep 0.2; nc 127.0.0.1 80";

test("169.254.169.254 leads to the instance's own socket, and port 80 is free nevertheless", async () => {
  const { printed } = await rig.run(["sh", "-c", `${asks}; echo; ${serves}`], {}, { network: own });
  assert.match(printed, /GET \/latest\/meta-data\/instance-id\nhello\n/);
});

test("addresses of the machine are closed, of whatever kind others are; what cannot be closed is not started", async () => {
  const { processes } = rig.parts;
  const start = (addresses: string[]) => {
    const facts = () => ({ ...processes.facts(), addresses });
    rig.driver = containerDriver({ ...rig.parts, processes: { ...processes, facts } });
    return rig.run(["cat", "/proc/net/route"], {}, { network: own });
  };
  const { printed } = await start(["fd00::1", "192.0.2.1"]);
  assert.match(printed, /^\*\t010200C0\t/m);
  await assert.rejects(start(["300.0.0.1"]), {
    reasonCode: "Server.InternalError",
    message: /300\.0\.0\.1/,
  });
  rig.begin();
});

test("in a namespace that is given the root of a container may take port 80, and change nothing", async () => {
  const { printed } = await rig.run(["sh", "-c", `${serves}; ip address add 10.0.0.1/8 dev lo`]);
  assert.match(printed, /hello\n.*not permitted/);
});

test("without a namespace a container has a way out of its own: ports lead in, nothing leads to the machine", async () => {
  const port = await freePort();
  const outer = createServer((_request, response) => response.end("machine"));
  await new Promise<void>((resolve) => outer.listen(0, "0.0.0.0", resolve));
  const { port: outerPort } = outer.address() as { port: number };
  const addresses = [...rig.parts.processes.facts().addresses, "10.0.2.2", "127.0.0.1"];
  const tries = addresses.map(
    (to) => `wget -T 2 -qO- http://${to}:${outerPort}/ || echo refused ${to}`,
  );
  const running = await rig.start(
    rig.order([
      "sh",
      "-c",
      `${asks}; echo; ${tries.join("; ")}; while :; do echo inside | nc -l -p 7000; done`,
    ]),
    {
      network: {
        type: "user",
        metadataSocket: rig.network.metadataSocket,
        forwards: [{ address: "127.0.0.1", port, to: 7000 }],
      },
    },
  );
  await rig.printed(running, /GET \/latest/);
  for (const address of addresses)
    await rig.printed(running, new RegExp(`refused ${address.replaceAll(".", "\\.")}\n`));
  const socket = await rig.parts.sockets.connect({ host: "127.0.0.1", port });
  assert.equal(
    Buffer.from((await socket.incoming.next()).value as Uint8Array).toString(),
    "inside\n",
  );
  socket.close();
  assert.doesNotMatch(Buffer.from(await running.console()).toString(), /machine/);
  await running.stop(0);
  outer.close();
});
