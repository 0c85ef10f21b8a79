import type { ImageView } from "#/model/image-views.ts";
import { briefSize } from "#/model/units.ts";
import { allOf } from "#/sdk/client.ts";
import { ImageCalls } from "#/sdk/images/image-calls.ts";
import { confirm } from "../confirm.ts";
import { column, type Result } from "../result.ts";
import type { Cli } from "../verb.ts";

const callsOf = async (cli: Cli) => new ImageCalls((await cli.client()).http);

const bytesOf = ({ disks, blobs }: ImageView) =>
  [...disks, ...blobs].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

export async function list(cli: Cli): Promise<Result> {
  const calls = await callsOf(cli);
  const rows = await Array.fromAsync(allOf((page) => calls.list(page)));
  return {
    type: "table",
    rows,
    columns: [
      column<ImageView>("image", ({ id }) => id),
      column<ImageView>("name", ({ name }) => name, { flexible: true }),
      column<ImageView>("runs as", ({ kinds }) => kinds.join(", ")),
      column<ImageView>("size", (image) => briefSize(bytesOf(image)), { align: "right" }),
      column<ImageView>("state", ({ state }) =>
        state === "available"
          ? state
          : { text: state, tone: state === "failed" ? "red" : "yellow" },
      ),
    ],
    empty: "No images yet. Make one with: canopy images import FILE, or canopy images build debian",
  };
}

export async function show(cli: Cli, id: string): Promise<Result> {
  const image = await (await callsOf(cli)).read(id);
  return {
    type: "record",
    value: image,
    fields: [
      { title: "image", value: image.id },
      { title: "name", value: image.name },
      { title: "description", value: image.description || undefined },
      { title: "state", value: image.state },
      { title: "reason", value: image.reason },
      { title: "runs as", value: `${image.kinds.join(", ")} on ${image.architecture}` },
      { title: "made", value: image.createdAt },
      { title: "made of", value: image.madeOf },
      ...image.disks.map(({ device, snapshot, sizeBytes }) => ({
        title: device,
        value: `${snapshot}, ${briefSize(sizeBytes)}`,
      })),
      ...image.blobs.map(({ key, sizeBytes }) => ({
        title: "blob",
        value: `${key.slice(0, 16)}…, ${briefSize(sizeBytes)}`,
      })),
    ],
  };
}

export async function remove(cli: Cli, id: string): Promise<Result> {
  const calls = await callsOf(cli);
  const { name } = await calls.read(id);
  await confirm(cli.terminal, `deregister the image ${name}`, name, cli.options["yes"] === true);
  await calls.remove(id);
  return {
    type: "done",
    value: { id, deregistered: true },
    message: `${id} is deregistered. See what data it has left: canopy images orphans`,
  };
}
