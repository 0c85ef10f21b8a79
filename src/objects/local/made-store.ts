import { join } from "node:path";
import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import type { Log } from "#/base/log.ts";
import type { MadeStore } from "../held-objects.ts";
import { storeNameFile } from "./held-store.ts";
import { makeIndex } from "./open.ts";

/** Names that holdStore() gives, and nothing that leads out of the folder. */
const names = new RegExp(
  `^(?:packs/[0-9]{10}\\.pack|files/[0-9a-f]{1,14}/[0-9a-f]{1,14}|${storeNameFile})$`,
);

/** Makes a store of files that were held of another, in a folder that holds none. */
export function makeStore(parts: {
  files: Pick<Files, "writeStream" | "makeFolder">;
  folder: string;
  clock: Clock;
  report: Log;
}): MadeStore {
  const { files, folder, clock, report } = parts;
  const onBroken = (thrown: unknown) => {
    throw thrown;
  };
  return {
    async add(name, content) {
      if (!names.test(name)) {
        throw new CanopyError(
          "damaged",
          `Cannot restore the file ${JSON.stringify(name)} as no store of objects has one of that name`,
        );
      }
      await files.writeStream(join(folder, name), content, { mode: 0o600 });
    },
    async finish(asked) {
      for (const name of ["packs", "files"])
        await files.makeFolder(join(folder, name), { durable: true });
      return await makeIndex({ folder, clock, report, onBroken }, asked);
    },
  };
}
