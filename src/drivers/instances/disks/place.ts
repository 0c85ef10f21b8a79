import { join } from "node:path";

/** Folders that volumes are kept in, the agent's own or one that machines share: the same in each, so that names in them agree. */
export interface Place {
  storage: string | undefined;
  volumes: string;
  bases: string;
}

export const placeAt = (folder: string, storage?: string): Place => ({
  storage,
  volumes: join(folder, "volumes"),
  bases: join(folder, "bases"),
});

export const volumeFile = (place: Place, volume: string) => join(place.volumes, volume + ending);
export const baseFile = (place: Place, manifest: string) => join(place.bases, `${manifest}.raw`);

/** How a volume names the base that it stands on: from its own folder, which may be elsewhere on another machine. */
export const baseName = (manifest: string) => `../bases/${manifest}.raw`;

/** The manifest whose base that is; undefined for what is none of ours. */
export const manifestOfBase = (name: string): string | undefined =>
  /^(?:\.\.\/bases\/)?([0-9a-f]{64})\.raw$/.exec(name)?.[1];

/** The volume that a file is; undefined for one that is not. */
export const volumeOfFile = (name: string): string | undefined =>
  /^(vol-[0-9a-f]{8,17})\.qcow2$/.exec(name)?.[1];

/** Beside a file while it is made; the mark tells whose it is where machines share a folder. */
export const makingFile = (path: string, mark: string, count: number) =>
  `${path}.${mark}.${count}${making}`;

export const isMaking = (name: string, mark?: string) =>
  name.endsWith(making) && (mark === undefined || name.includes(`.${mark}.`));

const ending = ".qcow2";
const making = ".making";
