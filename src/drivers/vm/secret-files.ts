import { randomText } from "#/base/random.ts";
import type { InstanceDriverParts, PreparedDisk } from "../instance-driver.ts";

type SecretParts = Pick<InstanceDriverParts, "files" | "random">;

/**
 * Files with the keys of sealed volumes, by volume, for as long as a program needs to read them: in memory where there is a
 * place for that, and readable by nobody else.
 */
export async function keepSecrets(
  { files, random }: SecretParts,
  folder: string,
  disks: readonly Pick<PreparedDisk, "volume" | "order">[],
): Promise<ReadonlyMap<string, string>> {
  const secrets = new Map<string, string>();
  const place = (await files.stat("/dev/shm"))?.isFolder ? "/dev/shm" : folder;
  for (const { volume, order } of disks) {
    if (order.key === undefined) continue;
    const path = `${place}/canopy-${randomText(random, 32)}`;
    await files.write(path, order.key, { mode: 0o600 });
    secrets.set(volume, path);
  }
  return secrets;
}
