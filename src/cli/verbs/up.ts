import { resolve } from "node:path";
import { Option } from "commander";
import { readContexts, writeContexts } from "#/sdk/contexts.ts";
import { briefDuration } from "#/model/units.ts";
import { placements, type Placement } from "#/model/placement.ts";
import { parsePort } from "../count.ts";
import { render } from "../render.ts";
import type { StartedCloud } from "../programs.ts";
import type { Output } from "../terminal.ts";
import type { Cli, Verb } from "../verb.ts";

/** The context that `canopy up` writes. */
const contextName = "local";

export const verb: Verb = {
  define(command, does) {
    command
      .option("--data <folder>", "where it keeps everything")
      .option("--host <address>", "the address to listen on")
      .option("--port <number>", "the port to listen on; 0 takes a free one", parsePort)
      .option(
        "--aws-port <number>",
        "the port of the AWS services; the next one when absent, or CANOPY_AWS_PORT",
        parsePort,
      )
      .option(
        "--log <address>",
        "share a log with other control planes: postgres://user@host/database, or CANOPY_LOG_URL",
      )
      .option(
        "--objects <address>",
        "keep the bytes of large objects in a cluster that speaks S3: s3://bucket/prefix?endpoint=http://host:port, or CANOPY_OBJECTS",
      )
      .option("--no-agent", "do not use this computer as a machine")
      .option("--keep-context", "do not make it the cloud that commands speak to")
      .addOption(
        new Option(
          "--durability <mode>",
          "normal survives kill -9 but not a power cut: for measuring only",
        )
          .choices(["full", "normal"])
          .default("full"),
      )
      .addOption(
        new Option(
          "--placement <order>",
          "which machines get work first: who asked for longest, the emptiest (spread), the fullest (pack, which is so too when absent and a policy's objective is carbon), the one with the cheapest CPUs (cheap)",
        ).choices(placements),
      )
      .option("--log-level <level>", "debug, info, warn or error")
      .action(
        does(async (cli) => {
          const { config } = cli.programs;
          const options = cli.options as unknown as UpOptions;
          const cloud = await cli.programs.up({
            dataFolder: resolve(cli.terminal.world.folder, options.data ?? config.dataFolder),
            host: options.host ?? config.host,
            port: options.port ?? config.port,
            awsPort: options.awsPort ?? config.awsPort,
            withAgent: options.agent,
            durability: options.durability,
            ...(options.placement && { placement: options.placement }),
            log: options.log ?? config.logUrl,
            objects: options.objects ?? config.objectsUrl,
            logLevel: options.logLevel ?? config.logLevel,
          });
          const end = cli.terminal.untilEnded();
          try {
            if (!options.keepContext) await writeContext(cli, cloud);
            const { url, awsUrl, key, joinLine, dataFolder, readyMs } = cloud;
            render(
              {
                type: "text",
                value: { url, awsUrl, key, joinLine, dataFolder, readyMs },
                text: (out) => upText(cloud, out),
              },
              lines(cli),
              cli.options.json,
            );
            await end;
          } finally {
            await cloud.stop();
          }
        }),
      );
  },
};

interface UpOptions {
  data?: string;
  host?: string;
  port?: number;
  awsPort?: number;
  log?: string;
  objects?: string;
  agent: boolean;
  keepContext?: boolean;
  durability: "full" | "normal";
  placement?: Placement;
  logLevel?: string;
}

/** One line of JSON, on a terminal too, as a program waits for it. */
function lines({ terminal, options }: Cli): Cli["terminal"] {
  if (options.json === undefined) return terminal;
  const { out } = terminal;
  return {
    ...terminal,
    out: { write: out.write, paint: out.paint, columns: out.columns, rows: out.rows, isTty: false },
  };
}

async function writeContext({ terminal }: Cli, { url, key }: StartedCloud): Promise<void> {
  const known = await readContexts(terminal.world);
  await writeContexts(terminal.world, {
    ...known,
    current: contextName,
    contexts: { ...known.contexts, [contextName]: { url, key } },
  });
}

function upText(
  { url, awsUrl, dataFolder, joinLine, isReachable, readyMs }: StartedCloud,
  out: Output,
): string {
  const dim = (text: string) => out.paint("dim", text);
  return [
    `${out.paint("green", "✓")} ${out.paint("bold", `Canopy is up at ${url}`)} ${dim(`in ${briefDuration(readyMs)}, its data in ${dataFolder}`)}`,
    "",
    `  run something      ${out.paint("cyan", "canopy run -- echo hi")}     ${dim("in another terminal")}`,
    `  watch it           ${out.paint("cyan", "canopy top")}`,
    `  use it as AWS      ${out.paint("cyan", `AWS_ENDPOINT_URL=${awsUrl}`)}   ${dim("S3, SQS, IAM, STS, KMS …")}`,
    `  add a machine      ${out.paint("cyan", joinLine)}`,
    `                     ${dim("on that machine; the token is good once, for an hour")}`,
    ...(isReachable
      ? []
      : [
          `                     ${dim("it listens to this computer only; for others start it with")} canopy up --host 0.0.0.0`,
        ]),
    "",
    dim("Ctrl-C ends it; what was acknowledged is kept."),
    "",
  ].join("\n");
}
