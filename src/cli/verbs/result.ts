import { resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { briefSize } from "#/model/units.ts";
import { waitForEnd } from "#/sdk/load.ts";
import { column } from "../result.ts";
import { fetchOutputs, type Fetched } from "../run/outputs.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<job>", "a job's name")
      .option("--wait", "wait for its end")
      .option("--into <folder>", "fetch the files that its tasks made into this folder")
      .action(
        does(async (cli, job: string) => {
          const { wait, into } = cli.options as { wait?: boolean; into?: string };
          const client = await cli.client();
          const ended = wait ? await waitForEnd(client, job) : await client.result(job);
          if (ended.phase === "running") {
            throw new CanopyError(
              "conflict",
              `Cannot give the result of ${job} as it must have ended: it is running`,
              { hint: `Wait for it: canopy result ${job} --wait` },
            );
          }
          if (into !== undefined) {
            const { world } = cli.terminal;
            const columns = [
              column<Fetched>("task", ({ task }) => task),
              column<Fetched>("file", ({ file }) => file, { flexible: true }),
              column<Fetched>("size", ({ sizeBytes }) => briefSize(sizeBytes), { align: "right" }),
            ];
            const rows = await fetchOutputs(client, job, resolve(world.folder, into), world);
            return {
              type: "table",
              rows,
              columns,
              empty: "Its tasks made no files that were declared.",
            };
          }
          if (ended.phase !== "succeeded") {
            throw new CanopyError(
              "conflict",
              `Cannot give the result of ${job} as it ${ended.phase}: ${ended.error?.message ?? ended.reason ?? "no reason was given"}`,
              {
                hint: `Ask with: canopy why ${job}`,
              },
            );
          }
          const text =
            ended.resultBlob === undefined
              ? (ended.result ?? "null")
              : Buffer.from(await client.getBlob(ended.resultBlob)).toString();
          const value = JSON.parse(text) as unknown;
          return {
            type: "text",
            value: { id: job, phase: ended.phase, exitCode: ended.exitCode, result: value },
            text: (out) => `${out.isTty ? JSON.stringify(value, undefined, 2) : text}\n`,
          };
        }),
      );
  },
};
