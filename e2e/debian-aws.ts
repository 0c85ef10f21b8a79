import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestCloud } from "./cloud.ts";

/** Programs of Debian, started as an account of a cloud. */
export interface DebianTools {
  /** What a program prints; its error is what it says. */
  run(program: string, args: readonly string[]): Promise<string>;
  /** What awscli answers, as text. */
  aws(...args: string[]): Promise<string>;
  /** What `aws ec2` answers to words, and to words that may have spaces. */
  ec2(words: string, ...more: string[]): Promise<string>;
}

/** With an access key of the cloud's first project; programs find a home in `home`. */
export async function debianTools(cloud: TestCloud, home: string): Promise<DebianTools> {
  const { accessKeyId, secretAccessKey } = await cloud.call<Record<string, string>>(
    "POST",
    "/v1/access-keys",
    { title: "tools" },
  );
  const env = {
    PATH: process.env["PATH"]!,
    HOME: home,
    AWS_ACCESS_KEY_ID: accessKeyId!,
    AWS_SECRET_ACCESS_KEY: secretAccessKey!,
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_PAGER: "",
  };
  const run = async (program: string, args: readonly string[]): Promise<string> => {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr] = [child.stdout, child.stderr].map(async (stream) =>
      Buffer.concat(await Array.fromAsync(stream)).toString(),
    );
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`${args.join(" ")}: ${code} ${await stderr}`);
    return (await stdout!).trim();
  };
  const aws = (...args: string[]) =>
    run("/usr/bin/aws", ["--endpoint-url", cloud.awsUrl, "--output", "text", ...args]);
  return { run, aws, ec2: (words, ...more) => aws("ec2", ...words.split(" "), ...more) };
}
