import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { seal, unseal } from "../seal.ts";
import { Identities } from "./identities.ts";

const signing = "a secret of a test, long enough";
const sealer = {
  seal: (plain: string, about: string) => seal(plain, about, signing, nodeRandom),
  unseal: (sealed: string, about: string) => unseal(sealed, about, signing),
};

async function made() {
  const parts = { log: new MemoryLog(), clock: nodeClock, report: silent, onBroken: () => {} };
  const space = await Space.open(parts);
  for (const name of ["default", "other"])
    space.commit((tx) =>
      tx.put<"project">({
        kind: "project",
        project: name,
        name,
        spec: { title: name, createdAt: 0, weight: 1 },
        status: {},
      }),
    );
  return {
    space,
    identities: new Identities({ space, sealer, clock: nodeClock, random: nodeRandom }),
  };
}

describe("Identities", () => {
  it("gives each project an account number of twelve digits, and finds it by that", async () => {
    const { identities } = await made();
    const [one, other] = [identities.accountIdOf("default"), identities.accountIdOf("other")];
    assert.match(one, /^\d{12}$/);
    assert.notEqual(one, other);
    assert.equal(identities.projectOf(other), "other");
    assert.equal(identities.projectOf("123456789012"), undefined);
  });

  it("makes a project's account key once, and keeps its secret sealed", async () => {
    const { space, identities } = await made();
    const first = space.commit((tx) => identities.accountKey(tx, "default")).value;
    const again = space.commit((tx) => identities.accountKey(tx, "default")).value;
    const other = space.commit((tx) => identities.accountKey(tx, "other")).value;
    assert.deepEqual([again.record.name, again.secret], [first.record.name, first.secret]);
    assert.notEqual(other.record.name, first.record.name);
    assert.match(first.record.name, /^AKIA[A-Z2-7]{16}$/);
    assert.equal(first.secret.length, 40);
    assert.ok(!JSON.stringify(space.snapshot()).includes(first.secret));
  });

  it("finds who an access key acts as, until it is off or gone", async () => {
    const { space, identities } = await made();
    const { record } = space.commit((tx) => identities.accountKey(tx, "default")).value;
    const found = identities.find(record.name, undefined, "s3");
    assert.equal(identities.find(record.name, undefined, "s3"), found);
    assert.equal(found.principal.arn, `arn:aws:iam::${found.principal.accountId}:root`);
    const off = { ...record, spec: { ...record.spec, isActive: false } };
    space.commit((tx) => tx.put(off));
    const find = () => identities.find(record.name, undefined, "s3");
    assert.throws(find, { awsCode: "InvalidAccessKeyId" });
    space.commit((tx) => tx.delete("access-key", record.name));
    assert.throws(find, { awsCode: "InvalidAccessKeyId" });
    assert.throws(() => identities.find("AKIANONE", undefined, "iam"), {
      awsCode: "InvalidClientTokenId",
    });
  });

  it("knows a user by its key, and what its own, its groups' and its managed policies allow", async () => {
    const { space, identities } = await made();
    const entity = { path: "/", createdAt: 0, inline: {}, attached: [] };
    const { record } = space.commit((tx) => {
      tx.put<"iam-group">({
        kind: "iam-group",
        project: "default",
        name: "default/readers",
        spec: {
          ...entity,
          id: "AGPA1",
          name: "Readers",
          attached: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
        },
        status: {},
      });
      tx.put<"iam-user">({
        kind: "iam-user",
        project: "default",
        name: "default/ann",
        spec: { ...entity, id: "AIDA1", name: "Ann", groups: ["readers"], tags: { Team: "red" } },
        status: {},
      });
      return identities.makeAccessKey(tx, { project: "default", user: "Ann" });
    }).value;
    const { principal } = identities.find(record.name, undefined, "s3");
    assert.deepEqual([principal.kind, principal.name, principal.userId], ["user", "Ann", "AIDA1"]);
    const may = (action: string) =>
      identities.authorize({
        principal,
        action,
        resource: "arn:aws:s3:::b/k",
        resourceAccountId: principal.accountId,
      }).effect;
    assert.deepEqual([may("s3:GetObject"), may("s3:PutObject")], ["allow", "none"]);
    const document = JSON.stringify({
      Version: "2012-10-17",
      Statement: {
        Effect: "Allow",
        Action: "s3:Put*",
        Resource: "*",
        Condition: { StringEquals: { "aws:PrincipalTag/Team": "red" } },
      },
    });
    const user = space.get("iam-user", "default/ann")!;
    space.commit((tx) => tx.put({ ...user, spec: { ...user.spec, inline: { own: document } } }));
    assert.equal(may("s3:PutObject"), "allow");
    space.commit((tx) => tx.delete("iam-user", "default/ann"));
    assert.throws(() => identities.find(record.name, undefined, "s3"), {
      awsCode: "InvalidAccessKeyId",
    });
  });
});
