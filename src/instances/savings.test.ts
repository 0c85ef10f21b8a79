import assert from "node:assert/strict";
import { test } from "node:test";
import { savingsOf } from "./savings.ts";
import { Estate } from "./testing/estate.ts";

const GiB = 2 ** 30;
const dayMs = 24 * 60 * 60_000;

test("what serves nobody is found with what it costs a month, the most first; what is in use is not, nor what is another's", async () => {
  const { space } = await Estate.make([]);
  const volume = (name: string, project: string, sizeBytes: number, isHeld = false) =>
    space.commit((tx) =>
      tx.put<"volume">({
        kind: "volume",
        project,
        name,
        spec: { createdAt: 0, sizeBytes, type: "gp3", isEncrypted: false, zone: "a", tags: {} },
        status: isHeld
          ? {
              state: "in-use",
              attachment: {
                instance: "i-1",
                device: "/dev/xvda",
                since: 0,
                state: "attached",
                deletesOnTermination: true,
              },
            }
          : { state: "available" },
      }),
    );
  volume("vol-1", "p", 10 * GiB);
  volume("vol-2", "q", 10 * GiB);
  volume("vol-3", "p", 10 * GiB, true);
  const snapshot = (name: string, of: string) =>
    space.commit((tx) =>
      tx.put<"snapshot">({
        kind: "snapshot",
        project: "p",
        name,
        spec: {
          createdAt: 0,
          description: "",
          volume: of,
          sizeBytes: 100 * GiB,
          isEncrypted: false,
          tags: {},
        },
        status: { state: "completed", progress: 100, newBytes: 20 * GiB },
      }),
    );
  snapshot("snap-1", "vol-3");
  snapshot("snap-2", "vol-3");
  const found = (now: number) => savingsOf(space, { project: "p", now });
  assert.deepEqual(found(dayMs / 2), []);
  assert.deepEqual(
    found(40 * dayMs).map(({ subject, rule, microsPerMonth }) => [subject, rule, microsPerMonth]),
    [
      ["snap-1", "stale-snapshot", 1_000_000],
      ["vol-1", "unattached-volume", 800_000],
    ],
  );
});

test("what a deregistered image has left is one finding after a week; a snapshot of somebody's own is stale though such an image names it", async () => {
  const { space } = await Estate.make([]);
  const snapshot = (name: string, isOfImage: boolean) =>
    space.commit((tx) =>
      tx.put<"snapshot">({
        kind: "snapshot",
        project: "p",
        name,
        spec: {
          createdAt: 0,
          description: "",
          volume: "vol-1",
          sizeBytes: 10 * GiB,
          isEncrypted: false,
          tags: {},
          ...(isOfImage && { isOfImage }),
        },
        status: { state: "completed", progress: 100 },
      }),
    );
  snapshot("snap-own", false);
  snapshot("snap-made", true);
  snapshot("snap-newer", false);
  const image = (tags: Record<string, string>) =>
    space.commit((tx) =>
      tx.put<"image">({
        kind: "image",
        project: "p",
        name: "ami-1",
        spec: {
          title: "one",
          description: "",
          createdAt: 0,
          architecture: "x86_64",
          kinds: ["vm"],
          source: {
            type: "disk",
            disks: ["snap-own", "snap-made"].map((name) => ({
              device: "/dev/sda1",
              snapshot: name,
              sizeBytes: GiB,
              deletesOnTermination: true,
            })),
          },
          isPublic: false,
          sharedWith: [],
          tags,
        },
        status: { state: "deregistered", deregisteredAt: 35 * dayMs },
      }),
    );
  image({});
  const found = (now: number) =>
    savingsOf(space, { project: "p", now }).map(({ subject, rule }) => [subject, rule]);
  assert.deepEqual(found(40 * dayMs), [["snap-own", "stale-snapshot"]]);
  assert.deepEqual(found(43 * dayMs), [
    ["snap-own", "stale-snapshot"],
    ["ami-1", "orphaned-image-data"],
  ]);
  image({ "canopy:keep": "" });
  assert.deepEqual(found(43 * dayMs), [["snap-own", "stale-snapshot"]]);
});
