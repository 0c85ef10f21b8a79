import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { NameService } from "./name-service.ts";
import { vpcOrder } from "./testing/wire.ts";

const namespace = `cyn${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "canopy-names-"));
chmodSync(folder, 0o755); // what it tells is read by one who has no rights
execFileSync("ip", ["netns", "add", namespace]);
execFileSync("ip", ["-n", namespace, "link", "set", "lo", "up"]);
after(() => {
  execFileSync("ip", ["netns", "delete", namespace]);
  rmSync(folder, { recursive: true });
});

test("tell() is heard by a dnsmasq that has only just been started, and does not end it", async () => {
  const host = nodeHost(silent);
  const { processes } = host;
  let starts = 0;
  const slowly = (command: string[]) => {
    if (!command.includes("dnsmasq")) return command;
    starts++;
    return ["sh", "-c", 'sleep 0.5; exec "$@"', "sh", ...command];
  };
  const names = new NameService(
    {
      ...host,
      processes: {
        ...processes,
        spawn: (command, options) => processes.spawn(slowly(command), options),
      },
      folder,
      address: "127.0.0.1",
      mark: namespace,
    },
    { folder, namespace },
  );
  const resolvers = join(folder, "resolvers");
  writeFileSync(resolvers, "");
  const tell = (of: Record<string, string>) =>
    names.tell({ vpc: "vpc-1", slot: 0, order: vpcOrder({ names: of }), members: {} }, resolvers);
  await tell({ "i-a": "10.0.0.4" });
  await tell({ "i-a": "10.0.0.4", "i-b": "10.0.0.5" });
  const ask = ["busybox", "nslookup", "i-b.ec2.internal", "127.0.0.1"];
  const answer = () =>
    spawnSync("ip", ["netns", "exec", namespace, ...ask], { encoding: "utf8" }).stdout;
  for (const end = Date.now() + 10_000; !answer().includes("10.0.0.5") && Date.now() < end;)
    await wait(50);
  assert.match(answer(), /10\.0\.0\.5/);
  assert.equal(starts, 1);
  await names.stop();
});
