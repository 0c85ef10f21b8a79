import { takeBackup, type BackupParts } from "./take.ts";

/** What a backup is to have in it beside records and blobs. */
export interface BackupWish {
  /** The root token, and what signs keys of jobs. */
  secrets: boolean;
  /** Those of buckets. */
  objects: boolean;
}

/** Backups of a cloud, one at a time: each holds back what changed since it began. */
export function oneBackupAtATime(
  parts: (wish: BackupWish) => Promise<BackupParts>,
): (wish: BackupWish) => AsyncGenerator<Uint8Array> | undefined {
  let isTaking = false;
  return (wish) => {
    if (isTaking) return undefined;
    isTaking = true;
    return (async function* () {
      try {
        yield* takeBackup(await parts(wish));
      } finally {
        isTaking = false;
      }
    })();
  };
}
