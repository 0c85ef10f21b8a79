import { takeBackup, type BackupParts } from "./take.ts";

/** Backups of a cloud, one at a time: each holds back what changed since it began. */
export function oneBackupAtATime(
  parts: (withSecrets: boolean) => Promise<BackupParts>,
): (withSecrets: boolean) => AsyncGenerator<Uint8Array> | undefined {
  let isTaking = false;
  return (withSecrets) => {
    if (isTaking) return undefined;
    isTaking = true;
    return (async function* () {
      try {
        yield* takeBackup(await parts(withSecrets));
      } finally {
        isTaking = false;
      }
    })();
  };
}
