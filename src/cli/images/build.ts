import { join, resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { ImageView } from "#/model/image-views.ts";
import type { ImportParts } from "#/sdk/images/import-parts.ts";
import type { Cli, Done } from "../verb.ts";
import { must } from "./must.ts";
import { requireFreeNames } from "./free-names.ts";
import { bringFile, register, told, withParts } from "./import.ts";
import { buildDebian } from "./debian.ts";

interface BuildOptions {
  name?: string;
  file?: string;
  description?: string;
  kinds?: string;
}

/** Builds an image: "debian", or what a Dockerfile in a folder says. */
export async function buildImage(cli: Cli, what: string): Promise<Done> {
  const images = await withParts(cli, (parts) =>
    what === "debian" ? buildDebian(cli, parts) : buildRecipe(cli, parts, what),
  );
  const [only] = images;
  if (images.length === 1 && only) return told(only);
  return {
    type: "text",
    value: images,
    text: () => images.map(({ id, name }) => `${id} ${name}\n`).join(""),
  };
}

/** By buildah, with a store of its own: nothing of this computer's images is used or left. */
async function buildRecipe(cli: Cli, parts: ImportParts, context: string): Promise<ImageView[]> {
  const { folder, world } = parts;
  const options = cli.options as BuildOptions;
  const from = resolve(cli.terminal.world.folder, context);
  const recipe = resolve(cli.terminal.world.folder, options.file ?? join(from, "Dockerfile"));
  if (!(await world.files.stat(recipe)))
    throw new CanopyError("not-found", `Cannot build as there is no ${recipe}`, {
      hint: "Name it with -f; for a Debian of its own: canopy images build debian",
    });
  const name = options.name ?? (from.split("/").at(-1) || "image");
  await requireFreeNames(cli, [name]);
  const buildah = [
    "buildah",
    `--root=${join(folder, "store")}`,
    `--runroot=${join(folder, "run")}`,
    "--storage-driver=vfs",
  ];
  const archive = join(folder, "image.tar");
  await must(cli, [
    ...buildah,
    "bud",
    "--format=oci",
    "--isolation=chroot",
    "--tag=canopy-build",
    `--file=${recipe}`,
    from,
  ]);
  await must(cli, [...buildah, "push", "canopy-build", `oci-archive:${archive}`]);
  const brought = await bringFile(parts, archive);
  return [await register(cli, { name, ...brought }, options)];
}
