import assert from "node:assert/strict";
import { test } from "node:test";
import { disksOf } from "./disks.ts";
import { Estate } from "./testing/estate.ts";

test("disksOf() gives the disk of the image's root first, whatever others are named", async () => {
  const estate = await Estate.make([[]]);
  estate.launch("i-1", "m0", { volume: {} });
  const { space } = estate;
  const root = space.get("volume", "vol-i-1")!;
  space.commit((tx) => {
    for (const device of ["/dev/sdf", "/dev/hda", "sdb"])
      tx.put<"volume">({
        ...root,
        name: `vol-${device}`,
        status: { ...root.status, attachment: { ...root.status.attachment!, device } },
      });
  });
  assert.deepEqual(
    disksOf(space, estate.instance()).map(({ name }) => name),
    ["vol-i-1", "vol-/dev/hda", "vol-/dev/sdf", "vol-sdb"],
  );
});
