import { CanopyError } from "#/base/errors.ts";
import type { BucketView } from "#/model/bucket-views.ts";
import { briefSize, formatSize } from "#/model/units.ts";
import { BucketCalls } from "#/sdk/bucket-calls.ts";
import { allOf } from "#/sdk/client.ts";
import { confirm } from "../confirm.ts";
import { parseCount, sizeOption } from "../count.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Verb } from "../verb.ts";
import { agoOf } from "../words.ts";
import { defineTold } from "./bucket-told.ts";

const callsOf = async (cli: Cli) => new BucketCalls((await cli.client()).http);

export const verb: Verb = {
  define(command, does) {
    command
      .command("list", { isDefault: true })
      .description("List buckets")
      .action(does((cli) => list(cli)));
    command
      .command("create")
      .description("Make a bucket")
      .argument("<name>")
      .option("--object-lock", "objects can be locked; keeps all versions")
      .option("--quota <size>", "what it may hold, as in 20GiB", sizeOption)
      .option("--quota-objects <count>", "how many it may hold", parseCount)
      .action(
        does(async (cli, name: string) => {
          const { objectLock, quota, quotaObjects } = cli.options as {
            objectLock?: boolean;
            quota?: number;
            quotaObjects?: number;
          };
          const value = await (
            await callsOf(cli)
          ).create({
            name,
            ...(objectLock && { hasObjectLock: true }),
            ...(quota !== undefined && { quotaBytes: quota }),
            ...(quotaObjects !== undefined && { quotaObjects }),
          });
          return { type: "done", value, message: `${name} is made` };
        }),
      );
    command
      .command("show")
      .description("Show a bucket and what is in it")
      .argument("<name>")
      .action(
        does(async (cli, name: string) => {
          const value = await (await callsOf(cli)).read(name);
          return { type: "text", value, text: () => textOf(value) };
        }),
      );
    command
      .command("quota")
      .description("Bound what a bucket may hold")
      .argument("<name>")
      .argument("[size]", "as in 20GiB; 'none' for no bound")
      .option("--objects <count>", "how many it may hold; 'none' for no bound")
      .action(
        does(async (cli, name: string, size?: string) => {
          const count = cli.options["objects"] as string | undefined;
          if (size === undefined && count === undefined)
            throw new CanopyError("invalid", "Cannot change a quota as none is given", {
              hint: `canopy bucket quota ${name} 20GiB`,
            });
          const value = await (
            await callsOf(cli)
          ).change(name, {
            ...(size !== undefined && { quotaBytes: size === "none" ? null : sizeOption(size) }),
            ...(count !== undefined && {
              quotaObjects: count === "none" ? null : parseCount(count),
            }),
          });
          return { type: "text", value, text: () => textOf(value) };
        }),
      );
    defineTold(command, does);
    command
      .command("delete")
      .description("Delete an empty bucket")
      .argument("<name>")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, name: string) => {
          await confirm(
            cli.terminal,
            `delete the bucket ${name}`,
            name,
            cli.options["yes"] === true,
          );
          await (await callsOf(cli)).remove(name);
          return { type: "done", value: { name, deleted: true }, message: `${name} is deleted` };
        }),
      );
  },
};

async function list(cli: Cli): Promise<Result> {
  const calls = await callsOf(cli);
  const rows = await Array.fromAsync(allOf((page) => calls.list(page)));
  const nowMs = cli.terminal.world.clock.now();
  return {
    type: "table",
    rows,
    columns: [
      column<BucketView>("bucket", ({ name }) => name),
      column<BucketView>("objects", ({ objects }) => String(objects), { align: "right" }),
      column<BucketView>("size", ({ bytes }) => briefSize(bytes), { align: "right" }),
      column<BucketView>("quota", quotaOf, { align: "right" }),
      column<BucketView>("versions", ({ versioning }) => versioning),
      column<BucketView>("made", ({ createdAt }) => agoOf(createdAt, nowMs), { align: "right" }),
    ],
    empty: "No buckets yet. Make one with: canopy bucket create NAME",
  };
}

const quotaOf = ({ quotaBytes }: BucketView) =>
  quotaBytes === undefined ? "none" : formatSize(quotaBytes);

function textOf(bucket: BucketView): string {
  const { name, objects, bytes, versioning, hasObjectLock, quotaObjects } = bucket;
  const count = quotaObjects === undefined ? "" : `, ${quotaObjects} objects at most`;
  return [
    name,
    `  objects   ${objects}, ${briefSize(bytes)}`,
    `  quota     ${quotaOf(bucket)}${count}`,
    `  versions  ${versioning}${hasObjectLock ? ", with object lock" : ""}`,
    `  made      ${bucket.createdAt}`,
    "",
  ].join("\n");
}
