import { join } from "node:path";
import { saveSecrets, namedSecrets } from "#/access/secrets.ts";
import { Contents } from "#/backup/contents.ts";
import { beginsAfter, restore, type Restored } from "#/backup/restore.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { startLoop } from "#/base/loop.ts";
import { randomSecret } from "#/base/random.ts";
import { nodeFiles as files } from "#/base/node/files.ts";
import { nodeHost } from "#/base/node/host.ts";
import { stderrLog } from "#/base/node/log.ts";
import { PostgresDatabase } from "#/base/node/postgres/database.ts";
import type { BackupFacts, RestoredCloud, RestoreWish } from "#/cli/programs.ts";
import { FileBlobs } from "#/blobs/files.ts";
import { PostgresBlobs } from "#/blobs/postgres.ts";
import { makeStore } from "#/objects/local/made-store.ts";
import { PostgresRestoring } from "#/space/logs/postgres/restoring.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { serversOf } from "./shared-log.ts";

/** Makes of a backup what `canopy up` can start from. Throws what the two throw, and what `Contents.open` does. */
export async function restoreBackup(file: string, to: RestoreWish): Promise<RestoredCloud> {
  return "log" in to ? await restoreShared(file, to) : await restoreFolder(file, to);
}

/** What a backup says of itself. Throws what `Contents.open` does. */
export async function examineBackup(file: string): Promise<BackupFacts> {
  const { manifest } = await Contents.open(files, file);
  return { takenAt: manifest.takenAt, blobs: manifest.blobs, objects: manifest.objects };
}

/**
 * Makes a data folder of a backup. It is made aside and renamed when whole, so that one cut short is
 * never started from. Throws CanopyError "conflict" when something is in the folder.
 */
async function restoreFolder(
  file: string,
  { dataFolder, withoutObjects }: RestoreWish & { dataFolder: string },
): Promise<RestoredCloud> {
  if ((await files.list(dataFolder)).length > 0) {
    throw new CanopyError(
      "conflict",
      `Cannot restore into ${dataFolder} as it must be empty or not there: it is not empty`,
      { hint: `Name another folder: canopy restore ${file} --data FOLDER` },
    );
  }
  const contents = await Contents.open(files, file);
  const aside = `${dataFolder}.restoring`;
  await files.remove(aside);
  await files.makeFolder(aside, { durable: true });
  await files.setMode(aside, 0o700);
  const log = new SqliteLog(join(aside, "space.db"), {
    epochAbove: epochAbove(contents),
  });
  const { clock, log: report } = nodeHost(stderrLog("error", "restore"));
  const objects = withoutObjects
    ? undefined
    : makeStore({ files, folder: join(aside, "objects"), clock, report });
  try {
    const blobs = await FileBlobs.open({ files, clock, folder: join(aside, "blobs") });
    const restored = await restore(contents, { log, blobs, objects });
    await log.close();
    const secrets = await contents.secrets();
    if (secrets) await saveSecrets(aside, files, secrets);
    await files.remove(dataFolder);
    await files.rename(aside, dataFolder);
    return told(contents, restored, { place: dataFolder, hasSecrets: secrets !== undefined });
  } catch (thrown) {
    await log.close();
    await files.remove(aside);
    throw thrown;
  }
}

/**
 * Makes a cell in a PostgreSQL database of a backup. It bears a mark until it is whole, so that one cut short
 * is never started from; doing it again begins anew. Throws CanopyError "conflict" when something is in the
 * schema, or another restore into it is under way.
 */
async function restoreShared(
  file: string,
  { log, withoutObjects }: RestoreWish & { log: string },
): Promise<RestoredCloud> {
  const { clock, random, log: report } = nodeHost(stderrLog("error", "restore"));
  const servers = serversOf(log);
  const contents = await Contents.open(files, file);
  const { objects = 0, bytes = 0 } = contents.manifest.objects ?? {};
  if (objects + bytes > 0 && !withoutObjects) {
    throw new CanopyError(
      "conflict",
      `Cannot restore ${file} into a log that is shared as control planes that share one keep no objects: it has ${objects}`,
      {
        hint: `Leave them out, with --without-objects; or make a folder of it: canopy restore ${file} --data FOLDER`,
      },
    );
  }
  const restoring = new PostgresRestoring(servers, {
    mark: randomSecret(random),
    epochAbove: epochAbove(contents),
    after: beginsAfter(contents.manifest),
  });
  const database = new PostgresDatabase(servers);
  // It leads, and says so while it is busy with blobs, so that no other restore takes its place.
  const beat = () => restoring.log.beat().catch(() => undefined); // the next append tells of it
  const beating = startLoop("beat", beat, { clock, log: report, everyMs: limits.leaderBeatMs });
  try {
    await restoring.begin();
    const blobs = await PostgresBlobs.open({ database });
    const restored = await restore(contents, { log: restoring.log, blobs });
    const secrets = await contents.secrets();
    await restoring.finish(secrets ? namedSecrets(secrets) : {});
    const { shown } = servers.address;
    return told(contents, restored, { place: shown, hasSecrets: secrets !== undefined });
  } catch (thrown) {
    await restoring.abandon().catch(() => undefined); // the next restore does it
    throw thrown;
  } finally {
    beating.stop();
    await restoring.log.close();
    database.close();
  }
}

/** Above any that the old cloud can have reached: whoever holds a lease of before can change nothing. */
function epochAbove({ manifest }: Contents): number {
  return manifest.epoch + limits.restoredEpochs;
}

function told(
  { manifest }: Contents,
  restored: Restored,
  to: Pick<RestoredCloud, "place" | "hasSecrets">,
): RestoredCloud {
  const { objects, ...counts } = restored;
  const isThere = objects !== undefined && manifest.objects !== undefined;
  return {
    ...to,
    ...counts,
    ...(isThere && { objects: { ...manifest.objects!, objects } }),
    takenAt: manifest.takenAt,
  };
}
