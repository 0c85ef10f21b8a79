import { EC2Client } from "@aws-sdk/client-ec2";
import { FakeHost } from "#/instances/testing/fake-host.ts";
import type { ImageRecord } from "#/model/image.ts";
import { resourceId } from "#/model/resource-id.ts";
import { clientOptions, startAwsPort } from "../../testing/aws-port.ts";

/** Waiters look again at once: the machines of tests do what they are told without delay. */
const waiting = { maxWaitTime: 10, minDelay: 0.02, maxDelay: 0.05 };

/** EC2 over a cloud with one machine, an image of files and one of a disk, and another tenant. */
export async function startEc2(): Promise<Ec2World> {
  const aws = await startAwsPort();
  const { parts, hosting, field, sealer } = aws;
  const { space } = parts;
  const host = FakeHost.join({ space, hosting, field });
  const others = { accessKeyId: "AKIAOTHEREXAMPLE0001", secretAccessKey: "another's secret" };
  await space.commit((tx) => {
    tx.put<"project">({
      kind: "project",
      project: "other",
      name: "other",
      spec: { title: "Other", weight: 1, createdAt: 0 },
      status: {},
    });
    const about = `access key ${others.accessKeyId}`;
    tx.put<"access-key">({
      kind: "access-key",
      project: "other",
      name: others.accessKeyId,
      spec: {
        sealedSecret: sealer.seal(others.secretAccessKey, about),
        createdAt: 0,
        isActive: true,
      },
      status: {},
    });
  }).durable;
  const image = (title: string, source: ImageRecord["spec"]["source"]) =>
    space.commit((tx) =>
      tx.put<"image">({
        kind: "image",
        project: "default",
        name: resourceId("ami", parts.random),
        spec: {
          title,
          description: "",
          createdAt: parts.clock.now(),
          architecture: "x86_64",
          kinds: source.type === "disk" ? ["microvm", "vm"] : ["container", "system"],
          source,
          isPublic: false,
          sharedWith: [],
          tags: {},
        },
        status: { state: "available" },
      }),
    ).value.name;
  const run = {
    entrypoint: [],
    command: ["/bin/sh"],
    env: [],
    folder: "/",
    user: "",
    ports: [],
    stopSignal: "SIGTERM",
  };
  const snapshot = space.commit((tx) =>
    tx.put<"snapshot">({
      kind: "snapshot",
      project: "default",
      name: resourceId("snap", parts.random),
      spec: {
        createdAt: parts.clock.now(),
        description: "",
        sizeBytes: 2 ** 30,
        isEncrypted: false,
        tags: {},
      },
      status: { state: "completed", progress: 100, manifest: "manifest" },
    }),
  ).value.name;
  const client = new EC2Client(clientOptions(aws.endpoint));
  return {
    aws,
    host,
    client,
    send: client.send.bind(client) as EC2Client["send"],
    wait: () => ({ client, ...waiting }),
    other: new EC2Client({ ...clientOptions(aws.endpoint), credentials: others }),
    filesImage: image("files", { type: "files", layers: [], run }),
    diskImage: image("disk", {
      type: "disk",
      disks: [{ device: "/dev/sda1", snapshot, sizeBytes: 2 ** 30, deletesOnTermination: true }],
    }),
    snapshot,
    async stop() {
      host.leave();
      await aws.stop();
    },
  };
}

export interface Ec2World {
  aws: Awaited<ReturnType<typeof startAwsPort>>;
  host: FakeHost;
  client: EC2Client;
  /** The client's. */
  send: EC2Client["send"];
  /** What its waiters are told. */
  wait(): { client: EC2Client } & typeof waiting;
  /** Of another tenant. */
  other: EC2Client;
  filesImage: string;
  diskImage: string;
  snapshot: string;
  stop(): Promise<void>;
}
