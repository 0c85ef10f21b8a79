import { join } from "node:path";
import type { Files } from "#/base/files.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Random } from "#/base/random.ts";
import { newSecret } from "./keys.ts";

const ownerOnly = 0o600;

export interface Secrets {
  /** Opens everything. */
  rootToken: string;
  /** Signs the keys of jobs. */
  signing: string;
}

/** Reads the cloud's own secrets, or makes them at first start. Throws "forbidden" when others may read them. */
export async function loadSecrets(folder: string, files: Files, random: Random): Promise<Secrets> {
  return {
    rootToken: await loadSecret(join(folder, "root-token"), files, random),
    signing: await loadSecret(join(folder, "signing-secret"), files, random),
  };
}

async function loadSecret(path: string, files: Files, random: Random): Promise<string> {
  const content = await files.read(path);
  if (content === undefined) {
    const secret = newSecret("root", random);
    await files.write(path, `${secret}\n`, { mode: ownerOnly });
    return secret;
  }
  const mode = (await files.stat(path))?.mode ?? ownerOnly;
  if ((mode & 0o077) !== 0) {
    throw new CanopyError(
      "forbidden",
      `Cannot use the secret in ${path} as only its owner may be able to read it: current mode is ${mode.toString(8)}`,
      { hint: `chmod 600 ${path}` },
    );
  }
  const secret = Buffer.from(content).toString("utf8").trim();
  if (secret.length < 32) {
    throw new CanopyError(
      "invalid",
      `Cannot use the secret in ${path} as it must be 32 characters or more: it has ${secret.length}`,
      {
        hint: `Remove the file to have a new one made: rm ${path}`,
      },
    );
  }
  return secret;
}
