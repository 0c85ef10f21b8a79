import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import {
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { startCloud, until, type Cloud } from "../cloud.ts";

const canopyFile = join(import.meta.dirname, "../../bin/canopy");

/** A cloud of this machine alone, as its user has it, and AWS's SDK at its door. */
export class InstanceCloud {
  readonly cloud: Cloud;
  readonly ec2: EC2Client;
  #folder: string;

  private constructor(cloud: Cloud, ec2: EC2Client, folder: string) {
    this.cloud = cloud;
    this.ec2 = ec2;
    this.#folder = folder;
  }

  static async start(folder: string, networks: "user" | "full"): Promise<InstanceCloud> {
    const cloud = await startCloud(folder, [], 0, { CANOPY_NETWORKS: networks });
    const answer = await fetch(`${cloud.url}/v1/access-keys`, {
      method: "POST",
      headers: { authorization: `Bearer ${cloud.key}`, "content-type": "application/json" },
      body: JSON.stringify({ title: "bench" }),
    });
    const { accessKeyId, secretAccessKey } = (await answer.json()) as Record<string, string>;
    const ec2 = new EC2Client({
      endpoint: cloud.awsUrl,
      region: "us-east-1",
      credentials: { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! },
    });
    return new InstanceCloud(cloud, ec2, folder);
  }

  /** `canopy images import` with these words; gives the image's id. */
  async import(...words: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(
      canopyFile,
      ["images", "import", "--json=id", ...words],
      {
        env: {
          PATH: process.env["PATH"],
          HOME: this.#folder,
          CANOPY_URL: this.cloud.url,
          CANOPY_KEY: this.cloud.key,
        },
      },
    );
    return (JSON.parse(stdout) as { id: string }).id;
  }

  async launch(image: string, type: string, more: Partial<RunInstancesCommandInput> = {}) {
    const { Instances } = await this.ec2.send(
      new RunInstancesCommand({
        ImageId: image,
        InstanceType: type as never,
        MinCount: 1,
        MaxCount: 1,
        ...more,
      }),
    );
    return Instances!.map(({ InstanceId }) => InstanceId!);
  }

  /** Resolves when the machine has said what it can do: before that there is no room for instances. */
  async isReady(image: string, type: string): Promise<void> {
    await until("there is room", async () => {
      const ids = await this.launch(image, type).catch((thrown: unknown) => {
        if (!String(thrown).includes("InsufficientInstanceCapacity")) throw thrown;
        return [];
      });
      await this.terminate(ids);
      return ids.length > 0;
    });
  }

  /** Resolves when nothing of them is left. */
  async terminate(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.ec2.send(new TerminateInstancesCommand({ InstanceIds: [...ids] }));
    await until("instances are terminated", async () => {
      const { Reservations } = await this.ec2.send(
        new DescribeInstancesCommand({ InstanceIds: [...ids] }),
      );
      return Reservations!.every(({ Instances }) =>
        Instances!.every(({ State }) => State!.Name === "terminated"),
      );
    });
  }

  /** Where the machine keeps an instance. */
  folderOf(id: string): string {
    return join(this.#folder, "agent/hosting/instances", id);
  }

  /** What an instance has printed, read where its machine keeps it: that asks nobody for anything. */
  async printed(id: string): Promise<string> {
    const own = this.folderOf(id);
    const files = ["container/console.1", "console.log"];
    const found = await Promise.all(
      files.map((file) => readFile(join(own, file), "utf8").catch(() => "")),
    );
    return found.join("");
  }

  /** Resolves with what matches of what it prints. */
  async says(id: string, what: RegExp, waitMsMax = 120_000): Promise<RegExpExecArray> {
    for (const endMs = performance.now() + waitMsMax; performance.now() < endMs;) {
      const match = what.exec(await this.printed(id));
      if (match) return match;
      await wait(5);
    }
    throw new Error(`Cannot go on as ${id} did not say ${what}: ${await this.printed(id)}`);
  }

  async stop(): Promise<void> {
    const { Reservations } = await this.ec2.send(new DescribeInstancesCommand({}));
    const living = Reservations!.flatMap(({ Instances }) =>
      Instances!.filter(({ State }) => State!.Name !== "terminated"),
    );
    await this.terminate(living.map(({ InstanceId }) => InstanceId!));
    await this.cloud.stop();
  }
}
