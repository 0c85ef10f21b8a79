import type { Listed, ObjectStore } from "#/objects/object-store.ts";
import type { DeleteMarker, ObjectVersion } from "#/objects/object-version.ts";

/** A version with what only its neighbours tell. */
export interface Placed {
  version: ObjectVersion | DeleteMarker;
  /** Of one that was replaced: when its successor came, and how many replaced ones are newer. */
  noncurrent?: { at: number; newer: number };
  /** It is all that there is of its key. */
  isAlone: boolean;
}

/** Where a walk is: what was seen last is needed to place what comes next. */
export interface Walk {
  after?: string;
  afterVersionId?: string;
  last?: Placed;
}

/**
 * The versions of one page, each placed among those of its key, and where the walk goes on; `next` is absent at the end. What comes
 * last on a page is held back for the next one, as only that tells whether it is alone.
 */
export async function nextVersions(
  store: Pick<ObjectStore, "listVersions">,
  bucket: string,
  { after, afterVersionId, last: held }: Walk,
  max: number,
): Promise<{ placed: Placed[]; next?: Walk }> {
  const asked = {
    max,
    ...(after !== undefined && { after }),
    ...(afterVersionId !== undefined && { afterVersionId }),
  };
  const { entries, next }: Listed<ObjectVersion | DeleteMarker> = await store.listVersions(
    bucket,
    asked,
  );
  const placed: Placed[] = held ? [held] : [];
  let before = held;
  for (const version of entries) {
    const isSame = before?.version.key === version.key;
    if (isSame) before!.isAlone = false;
    const noncurrent = isSame
      ? {
          at: before!.version.modifiedMs,
          newer: before!.noncurrent ? before!.noncurrent.newer + 1 : 0,
        }
      : undefined;
    before = { version, isAlone: !isSame, ...(noncurrent && { noncurrent }) };
    placed.push(before);
  }
  if (!next) return { placed };
  const last = placed.pop();
  return { placed, next: { ...next, ...(last && { last }) } };
}
