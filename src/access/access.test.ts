import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { Access, type AccessParts } from "./access.ts";
import { includesRole, requireRole } from "./roles.ts";

const root = await mkdtemp(join(tmpdir(), "canopy-access-"));
after(() => rm(root, { recursive: true }));

const log = new MemoryLog();
async function open(
  folder: string,
  from = log,
  more: Partial<Pick<AccessParts, "clock" | "random">> = {},
) {
  const space = await Space.open({
    log: from,
    clock: nodeClock,
    report: silent,
    onBroken: () => {},
  });
  return {
    space,
    access: await Access.open({
      folder,
      files: nodeFiles,
      space,
      clock: nodeClock,
      random: nodeRandom,
      ...more,
    }),
  };
}

describe("Access", () => {
  it("makes a root token at first start, in a file that only its owner may read, and keeps it", async () => {
    const first = await open(root);
    const file = join(root, "root-token");
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal(
      Buffer.from((await nodeFiles.read(file))!)
        .toString()
        .trim(),
      first.access.rootToken,
    );
    const second = await open(root);
    assert.equal(second.access.rootToken, first.access.rootToken);
    assert.equal(second.access.jobKey("j1"), first.access.jobKey("j1"));
    assert.deepEqual(second.access.authenticate(first.access.rootToken), {
      name: "root",
      project: "default",
      role: "root",
    });
  });

  it("refuses to start on a secret that others may read, or that is too short", async () => {
    const folder = join(root, "open");
    await open(folder, new MemoryLog());
    const file = join(folder, "root-token");
    await nodeFiles.setMode(file, 0o644);
    await assert.rejects(
      open(folder, new MemoryLog()),
      (thrown: { code: string; hint: string }) =>
        thrown.code === "forbidden" && thrown.hint === `chmod 600 ${file}`,
    );
    await nodeFiles.write(file, "short", { mode: 0o600 });
    await assert.rejects(open(folder, new MemoryLog()), { code: "invalid" });
  });

  it("has the secrets that all control planes of one log agreed on, and refuses a folder of another cloud", async () => {
    const kept = new Map<string, string>();
    const shared = {
      agree: async (name: string, proposed: string) => {
        if (!kept.has(name)) kept.set(name, proposed);
        return kept.get(name)!;
      },
    };
    const openShared = async (folder: string) => {
      const { space } = await open(join(root, "spare"), new MemoryLog());
      const world = { files: nodeFiles, clock: nodeClock, random: nodeRandom };
      return Access.open({ ...world, space, folder, shared });
    };
    const [one, other] = [join(root, "shared-1"), join(root, "shared-2")];
    const { rootToken, jobKey } = await openShared(one).then((access) => ({
      rootToken: access.rootToken,
      jobKey: access.jobKey("j1"),
    }));
    const second = await openShared(other);
    assert.equal(second.rootToken, rootToken);
    assert.equal(second.jobKey("j1"), jobKey);
    assert.equal((await nodeFiles.stat(join(other, "signing-secret")))?.mode, 0o600);
    await assert.rejects(openShared(join(root, "spare")), { code: "conflict" });
  });

  it("knows keys and machines after another start, and keeps no secret in the space", async () => {
    const { space, access } = await open(root);
    const { value, durable } = space.commit((tx) =>
      access.createKey(tx, { project: "default", title: "t", role: "viewer" }),
    );
    const joined = space.commit((tx) =>
      access.join(tx, { token: access.createJoinToken(tx).token, hostname: "pc", labels: {} }),
    );
    await Promise.all([durable, joined.durable]);
    const again = await open(root);
    assert.equal(again.access.authenticate(value.key).role, "viewer");
    assert.equal(again.access.authenticate(joined.value.key).machine, "pc");
    const kept = JSON.stringify([
      ...again.space.all("key"),
      ...again.space.all("machine"),
      ...again.space.all("join-token"),
    ]);
    assert.ok(
      !kept.includes(value.key) && !kept.includes(joined.value.key) && !kept.includes("canopy_"),
    );
  });

  it("makes no key under an id that another one has", async () => {
    const always = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0 };
    const clock = { ...nodeClock, now: () => 0 };
    const { space, access } = await open(join(root, "ids"), new MemoryLog(), {
      clock,
      random: always,
    });
    const asked = { project: "default", title: "t", role: "viewer" } as const;
    space.commit((tx) => {
      access.createKey(tx, asked);
      assert.throws(() => access.createKey(tx, asked), { code: "unavailable" });
    });
  });

  it("gives machines of one hostname names of their own", async () => {
    const { space, access } = await open(join(root, "names"), new MemoryLog());
    const join2 = () =>
      space.commit((tx) =>
        access.join(tx, {
          token: access.createJoinToken(tx).token,
          hostname: "Ünï.Host_1",
          labels: {},
        }),
      ).value.machine;
    assert.deepEqual([join2(), join2(), join2()], ["n-host-1", "n-host-1-2", "n-host-1-3"]);
  });

  it("a job's key is another cloud's nonsense", async () => {
    const [one, other] = [
      await open(join(root, "one"), new MemoryLog()),
      await open(join(root, "other"), new MemoryLog()),
    ];
    assert.notEqual(one.access.jobKey("j1"), other.access.jobKey("j1"));
    assert.throws(() => other.access.authenticate(one.access.jobKey("j1")), {
      code: "unauthenticated",
    });
  });
});

describe("roles", () => {
  it("each may do what those below it may", () => {
    assert.ok(
      includesRole("root", "viewer") &&
        includesRole("admin", "submitter") &&
        includesRole("viewer", "viewer"),
    );
    assert.ok(!includesRole("viewer", "submitter") && !includesRole("admin", "root"));
    const caller = { name: "k", project: "p", role: "viewer" } as const;
    assert.throws(
      () => requireRole(caller, "admin", "make a key"),
      /Cannot make a key as that takes the role 'admin': this key's role is 'viewer'/,
    );
  });
});
