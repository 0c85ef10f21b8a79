import type { VolumeOrder } from "#/model/hosting.ts";
import type { InstanceDriverParts } from "../instance-driver.ts";
import { runCommand } from "../instances/command.ts";
import { volumeSecret, volumeSecretId } from "../instances/volume-secret.ts";
import { keepSecrets } from "./secret-files.ts";

/**
 * Makes the file of a disk that is empty, sealed where its volume is. What a passphrase costs whoever guesses is not asked
 * for, as the key is no word that could be guessed; but QEMU measures it nevertheless, by a clock that some kernels have too
 * coarse for a fast hash: then a slow one is taken. Throws Error with the program's words.
 */
export async function makeDisk(
  parts: Pick<InstanceDriverParts, "files" | "random" | "processes">,
  folder: string,
  { path, order, sizeBytes }: { path: string; order: VolumeOrder; sizeBytes: number },
): Promise<void> {
  const { volume } = order;
  const secrets = await keepSecrets(parts, folder, [{ volume, order }]);
  const file = secrets.get(volume);
  const make = async (hash: string) => {
    const luks = `encrypt.format=luks,encrypt.key-secret=${volumeSecretId(volume)},encrypt.iter-time=10,encrypt.hash-alg=${hash}`;
    const sealed =
      file === undefined
        ? []
        : ["--object", JSON.stringify(volumeSecret(volume, { file })), "-o", luks];
    const command = ["qemu-img", "create", "-q", "-f", "qcow2", ...sealed, path, String(sizeBytes)];
    const { code, errors } = await runCommand(parts.processes, command);
    return code === 0 ? undefined : errors.trim();
  };
  try {
    const fault = (await make("sha256")) && (await make("sha512"));
    if (fault !== undefined) throw new Error(fault);
  } finally {
    for (const secret of secrets.values()) await parts.files.remove(secret);
  }
}
