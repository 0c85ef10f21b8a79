import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { ContainerRig } from "./testing/container-rig.ts";
import { rootMount } from "./root-script.ts";

let rig: ContainerRig;
before(() => {
  rig = new ContainerRig();
});
after(() => rig.close());

test("as many layers as an image may have are named in one page of the kernel's", () => {
  const facts = { removed: [], opaque: [], sizeBytes: 0 };
  const all = Array.from({ length: limits.imageLayersMax }, () => ({
    name: "f".repeat(32),
    facts,
  }));
  const folder = `/var/lib/canopy/${"long/".repeat(30)}`;
  const parts = { folder: `${folder}/instances/i-1/container`, usesOverlay: true };
  const [, , options] = rootMount({ ...parts, layers: { folder: `${folder}/layers`, all } });
  assert.ok(options.replace("X-mount.mkdir,", "").length < 4096, String(options.length));
});

test("an image of many layers starts, also with the same one in several places", async () => {
  const own = Array.from({ length: 33 }, (_, at) =>
    rig.files({ which: `layer ${at}`, [`${at}`]: "" }),
  );
  const order = rig.order(["sh", "-c", "cat /which; echo; ls -d /0 /32"]);
  assert.ok(order.root.type === "files");
  const layers = [own[0]!, rig.busybox(), ...own, own[0]!, own[7]!];
  const running = await rig.start({ ...order, root: { ...order.root, layers } });
  assert.equal((await running.ended).exitCode, 0);
  await rig.printed(running, /layer 7\s+\/0\s+\/32/);
});
