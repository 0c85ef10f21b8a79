import { join, relative } from "node:path";
import { limits } from "#/base/limits.ts";
import type { Layer } from "../instances/layers.ts";
import { quoted } from "../instances/quoted.ts";

/** What the root of a container is made of, in the folder of the instance. */
export interface RootParts {
  folder: string;
  layers: { folder: string; all: readonly Layer[] };
  /** Else it has a copy of all. */
  usesOverlay: boolean;
}

/** How its root is mounted: source, type and options for mount(8). What it changes is kept in `upper`, or in `copied`. */
export function rootMount({ folder, layers, usesOverlay }: RootParts): [string, string, string] {
  if (!usesOverlay) return [join(folder, "copied"), "none", "X-mount.mkdir,bind"];
  // The topmost first; a container can read these words.
  const way = hasMany(layers.all) ? layersLink : relative(folder, layers.folder);
  const lower = layers.all
    .map(({ name }) => `${way}/${name}`)
    .toReversed()
    .join(":");
  // What is changed of a file is to be all of it: see keep-files.ts.
  const whole = "redirect_dir=off,metacopy=off";
  return [
    "overlay",
    "overlay",
    `X-mount.mkdir,lowerdir=${lower},upperdir=upper,workdir=work,${whole}`,
  ];
}

/** A short way to layers that would not be named in one page of the kernel's else; it takes a program to make it. */
const layersLink = "l";
const hasMany = (layers: readonly Layer[]) => layers.length > 32;

/** Shell that makes layers ready to be mounted. */
export function layersScript({ layers, usesOverlay }: RootParts): string {
  if (!usesOverlay) return copyScript(layers);
  return hasMany(layers.all) ? `ln -sfn ${quoted(layers.folder)} ${layersLink} || exit 1` : "";
}

/**
 * Shell that copies the layers over each other, once. What a layer removes is looked for without following a link: a layer
 * below may have one that leads out.
 */
function copyScript(layers: RootParts["layers"]): string {
  const steps = layers.all.map(({ name, facts }) => {
    const removed = facts.removed.map(quoted).join(" ");
    const hidden = facts.opaque.map(quoted).join(" ");
    return `gone ${removed} ${hidden}
cp -a --reflink=auto --remove-destination ${quoted(`${layers.folder}/${name}/.`)} copied/ || exit 1
gone ${removed}`;
  });
  return `gone() {
  for path; do
    at=copied rest=$path
    while [ "\${rest#*/}" != "$rest" ]; do
      at=$at/\${rest%%/*} rest=\${rest#*/}
      [ -L "$at" ] && continue 2
    done
    [ -z "$rest" ] || rm -rf -- "$at/$rest"
  done
}
if [ ! -e copied.done ]; then
rm -rf copied && mkdir copied || exit 1
${steps.join("\n")}
chown ${limits.containerOwnerBase}:${limits.containerOwnerBase} copied
: >copied.done
fi`;
}
