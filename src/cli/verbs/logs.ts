import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { LogLineView } from "#/model/views.ts";
import type { Client } from "#/sdk/client.ts";
import { selectFields } from "../fields.ts";
import type { Cli, Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument(
        "<name>",
        "a job (j0f3k2m9x1ab2), a step of it (j0f3k2m9x1ab2/0) or a task (j0f3k2m9x1ab2/0/7)",
      )
      .option("-f, --follow", "go on until the job has ended")
      .option("--names", "say which task each line is of")
      .option("--stream <stream>", "only stdout, stderr or canopy")
      .addHelpText("after", "\nWith --json, each line is one JSON object.")
      .action(
        does(async (cli, name: string) => {
          await printLogs(cli, await cli.client(), name);
        }),
      );
  },
};

async function printLogs(cli: Cli, client: Client, name: string): Promise<void> {
  const { follow = false } = cli.options as { follow?: boolean };
  const { clock } = cli.terminal.world;
  const [job = ""] = name.split("/");
  let after: number | undefined;
  for (let turn = 0; ; turn++) {
    try {
      const place = after === undefined ? {} : { after };
      for await (const lines of client.logs(job, {
        follow,
        ...(job === name ? {} : { task: name }),
        ...place,
      })) {
        for (const line of lines) print(cli, line);
        after = lines.at(-1)?.next ?? after;
        turn = 0;
      }
      return;
    } catch (thrown) {
      // A stream that breaks while it is followed is taken up where it was.
      if (!follow || !(thrown instanceof CanopyError && thrown.code === "unavailable"))
        throw thrown;
      await sleep(clock, Math.min(limits.reconnectMsMin * 2 ** turn, limits.reconnectMsMax));
    }
  }
}

function print({ terminal, options }: Cli, line: LogLineView): void {
  const { out, err } = terminal;
  const { stream } = options as { stream?: string };
  if (stream !== undefined && line.stream !== stream) return;
  if (options.json !== undefined) {
    const { next: _, ...told } = line;
    out.write(`${JSON.stringify(selectFields(told, options.json))}\n`);
    return;
  }
  const target = line.stream === "stdout" ? out : err;
  const lead = options["names"] ? `${target.paint("dim", line.task)} ` : "";
  target.write(`${lead}${line.stream === "canopy" ? target.paint("dim", line.text) : line.text}\n`);
}
