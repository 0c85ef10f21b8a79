import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import type { MadeAccessKeyView } from "#/model/access-key-views.ts";
import { TestCloud } from "../cloud.ts";

/** A cloud with a bucket, and what others' tools have to know to use it. */
export class Ground {
  readonly cloud = new TestCloud();
  /** A folder for the test's own files. */
  readonly folder = `${this.cloud.dataFolder}-work`;
  key!: MadeAccessKeyView;

  static async start(...buckets: string[]): Promise<Ground> {
    const ground = new Ground();
    mkdirSync(ground.folder, { recursive: true });
    await ground.cloud.up();
    ground.key = await ground.cloud.call("POST", "/v1/access-keys", { title: "tests" });
    for (const bucket of buckets) await ground.must("aws", "s3", "mb", `s3://${bucket}`);
    return ground;
  }

  get endpoint(): string {
    return this.cloud.awsUrl;
  }

  /** What AWS's tools read. */
  get env(): Record<string, string> {
    return {
      PATH: process.env["PATH"]!,
      HOME: this.folder,
      AWS_ACCESS_KEY_ID: this.key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: this.key.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
      // rclone reads its remotes from here.
      RCLONE_CONFIG: "/dev/null",
      RCLONE_CONFIG_CLOUD_TYPE: "s3",
      RCLONE_CONFIG_CLOUD_PROVIDER: "Other",
      RCLONE_CONFIG_CLOUD_ENDPOINT: this.endpoint,
      RCLONE_CONFIG_CLOUD_REGION: "us-east-1",
      RCLONE_CONFIG_CLOUD_ACCESS_KEY_ID: this.key.accessKeyId,
      RCLONE_CONFIG_CLOUD_SECRET_ACCESS_KEY: this.key.secretAccessKey,
      RCLONE_CONFIG_CLOUD_FORCE_PATH_STYLE: "true",
      RCLONE_CONFIG_CLOUD_ACL: "bucket-owner-full-control",
    };
  }

  /** Runs a program to its end, in the folder. */
  run(...command: string[]) {
    return this.#run(this.env, command);
  }

  async #run(
    env: Record<string, string>,
    [program, ...args]: string[],
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(program!, args, { cwd: this.folder, env });
    const [stdout, stderr] = [child.stdout, child.stderr].map(async (stream) =>
      Buffer.concat(await Array.fromAsync(stream)).toString(),
    );
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout: await stdout!, stderr: await stderr! };
  }

  /** The same; gives what it printed. Throws when it failed. */
  async must(...command: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...command);
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }

  /** `canopy objects`, as a user of the cloud runs it. */
  canopy(...args: string[]) {
    return this.cloud.canopy("objects", ...args);
  }

  /** The same with another environment. */
  runIn(env: Record<string, string>, ...command: string[]) {
    return this.#run(env, command);
  }

  async mustCanopy(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.canopy(...args);
    if (code !== 0)
      throw new Error(`canopy objects ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }

  async stop(): Promise<void> {
    await this.must("rm", "-rf", this.folder);
    await this.cloud.stop();
  }
}

/** Bytes that no part of them occurs twice in. */
export function bytesOf(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = seed >>> 0;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
