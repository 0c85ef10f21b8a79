import { limits } from "#/base/limits.ts";
import type { HeldObjects } from "#/objects/held-objects.ts";
import { digestsPart, objectsFolder, type Digest, type ObjectsTaken } from "./manifest.ts";
import type { Taking } from "./taking.ts";

/** The files of a store, as many as there are: behind some of them comes a list of their digests, so that no more than these are remembered. */
export async function* takeObjects(
  taking: Taking,
  held: HeldObjects,
): AsyncGenerator<Uint8Array, ObjectsTaken> {
  const { objects, bytes, isElsewhere } = held;
  const taken = { objects, bytes, isElsewhere, files: 0, missing: 0 };
  const digests: Digest[] = [];
  const list = () =>
    taking.lines(digestsPart, [digests.splice(0).map((one) => JSON.stringify(one))]);
  for await (const { name, found } of held.files()) {
    if (!found) {
      taken.missing++;
      continue;
    }
    const sha256 = yield* taking.stream(`${objectsFolder}${name}`, found);
    digests.push({ name, sha256 });
    taken.files++;
    if (digests.length >= limits.backupDigestsTogether) yield* list();
  }
  yield* list();
  return taken;
}
