import { limits } from "#/base/limits.ts";
import { HostingError } from "./hosting-error.ts";
import { attributesThere, isOpaque, isPartial } from "./layer-attributes.ts";
import {
  bareHeader,
  blockBytes,
  headerOf,
  paddingOf,
  paxHeader,
  type LayerHeader,
} from "./layer-header.ts";
import { LayerReader } from "./layer-reader.ts";

/**
 * The tar of what a container has changed, as overlayfs keeps it in the upper folder, to the tar of a layer of an OCI image: the way
 * back of layer-tar.ts.
 *
 * - What was removed is a character device 0:0 here, and ".wh.NAME" there. Overlayfs makes all of them names of one file, so that
 *   tar tells of the second and later ones as hard links.
 * - A folder that hides what is below it has an attribute here, and ".wh..wh..opq" in it there.
 * - A link that climbs above the root leads to the root, as it does in the container.
 * - Owners are the machine's here, `ownerBase` the container's root; what belongs to nobody in there belongs to root.
 *
 * Throws HostingError "Server.InternalError" for what an overlay with other options has left.
 */
export async function* layerOfUpper(
  source: AsyncIterable<Uint8Array>,
  ownerBase: number,
): AsyncGenerator<Uint8Array> {
  const reader = new LayerReader(source);
  const removed = new Set<string>();
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const name = cleaned(entry.name);
    if (isPartial(entry.attributes)) throw partial(name);
    if (isRemoval(entry) || removed.has(linkOf(entry))) {
      removed.add(name);
      yield* marked(name, whiteout);
      continue;
    }
    const isFolder = entry.type === "folder";
    yield* written({
      ...entry,
      name: isFolder ? `${name === "" ? "." : name}/` : name,
      link: entry.type === "hard link" ? linkOf(entry) : insideRoot(name, entry.link),
      owner: ownerOf(entry.owner, ownerBase),
      group: ownerOf(entry.group, ownerBase),
      attributes: attributesThere(entry.attributes, ownerBase),
    });
    if (entry.type === "file") {
      yield* reader.pass(entry.sizeBytes);
      await reader.skip(paddingOf(entry.sizeBytes));
      yield new Uint8Array(paddingOf(entry.sizeBytes));
    }
    if (isFolder && isOpaque(entry.attributes))
      yield* marked(name === "" ? opaqueMark : `${name}/${opaqueMark}`);
  }
  yield new Uint8Array(2 * blockBytes);
}

const whiteout = ".wh.";
const opaqueMark = ".wh..wh..opq";

const isRemoval = ({ type, major, minor }: LayerHeader) =>
  type === "character" && major === 0 && minor === 0;

/** Without what says only that it is below the root. */
const cleaned = (name: string) => name.replace(/^(\.\/)+|^\.$/, "").replace(/\/$/, "");

const linkOf = ({ type, link }: LayerHeader) => (type === "hard link" ? cleaned(link) : "\0");

/** Where a link leads, less the steps that lead nowhere. */
function insideRoot(name: string, target: string): string {
  if (target.startsWith("/")) return target;
  let depth = name.split("/").length - 1;
  const steps = target.split("/").filter((step) => {
    if (step === "" || step === ".") return true;
    if (step === ".." && depth === 0) return false;
    depth += step === ".." ? -1 : 1;
    return true;
  });
  return steps.join("/") || (target === "" ? "" : ".");
}

function ownerOf(owner: number, ownerBase: number): number {
  const own = owner - ownerBase;
  return own >= 0 && own < limits.containerOwnersMax ? own : 0;
}

/** An empty file that stands for something; `prefix` goes before the last part of its name. */
function* marked(path: string, prefix = ""): Generator<Uint8Array> {
  const slash = path.lastIndexOf("/") + 1;
  yield* written({ ...bareHeader, name: path.slice(0, slash) + prefix + path.slice(slash) });
}

function* written(header: LayerHeader): Generator<Uint8Array> {
  yield* paxHeader(header);
  yield headerOf(header);
}

const partial = (name: string) =>
  new HostingError(
    "Server.InternalError",
    `Cannot make a layer of what the container has changed as all of each file must be there: of '${name}' only a part is`,
  );
