import { join } from "node:path";
import { saveSecrets } from "#/access/secrets.ts";
import { Contents } from "#/backup/contents.ts";
import { restore } from "#/backup/restore.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { nodeFiles as files } from "#/base/node/files.ts";
import type { RestoredFolder } from "#/cli/programs.ts";
import { FileObjects } from "#/objects/files.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";

/**
 * Makes a data folder of a backup. It is made aside and renamed when whole, so that one cut short is
 * never started from. Its epoch is above any that the old cloud can have reached: whoever holds a
 * lease of before can change nothing. Throws CanopyError "conflict" when something is in the folder.
 */
export async function restoreFolder(file: string, dataFolder: string): Promise<RestoredFolder> {
  if ((await files.list(dataFolder)).length > 0) {
    throw new CanopyError(
      "conflict",
      `Cannot restore into ${dataFolder} as it must be empty or not there: it is not empty`,
      { hint: `Name another folder: canopy restore ${file} --data FOLDER` },
    );
  }
  const contents = await Contents.open(files, file);
  const { epoch, takenAt } = contents.manifest;
  const aside = `${dataFolder}.restoring`;
  await files.remove(aside);
  await files.makeFolder(aside, { durable: true });
  await files.setMode(aside, 0o700);
  const log = new SqliteLog(join(aside, "space.db"), {
    epochAbove: epoch + limits.restoredEpochs,
  });
  try {
    const objects = await FileObjects.open({ files, folder: join(aside, "objects") });
    const restored = await restore(contents, { log, objects });
    await log.close();
    const secrets = await contents.secrets();
    if (secrets) await saveSecrets(aside, files, secrets);
    await files.remove(dataFolder);
    await files.rename(aside, dataFolder);
    return { ...restored, takenAt, hasSecrets: secrets !== undefined };
  } catch (thrown) {
    await log.close();
    await files.remove(aside);
    throw thrown;
  }
}
