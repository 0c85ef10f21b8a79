import { join } from "node:path";
import type { Files } from "#/base/files.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Random } from "#/base/random.ts";
import { newSecret } from "./keys.ts";

const ownerOnly = 0o600;
const names = { rootToken: "root-token", signing: "signing-secret" };

export interface Secrets {
  /** Opens everything. */
  rootToken: string;
  /** Signs the keys of jobs. */
  signing: string;
}

/** Secrets that several control planes agree on. */
export interface SharedSecrets {
  /** The secret of that name: the one that was kept first, for ever. */
  agree(name: string, proposed: string): Promise<string>;
}

/**
 * Reads the cloud's own secrets, or makes them at first start. With `shared`, all that share it have the
 * same, each in its own folder too. Throws "forbidden" when others may read the files, "conflict" when
 * the folder has those of another cloud.
 */
export async function loadSecrets(
  folder: string,
  files: Files,
  random: Random,
  shared?: SharedSecrets,
): Promise<Secrets> {
  const load = async (name: string) => {
    const path = join(folder, name);
    const own = await readSecret(path, files);
    const secret = own ?? newSecret("root", random);
    const agreed = shared ? await shared.agree(name, secret) : secret;
    if (own === undefined) await files.write(path, `${agreed}\n`, { mode: ownerOnly });
    else if (own !== agreed) throw otherCloud(folder, name);
    return agreed;
  };
  return { rootToken: await load(names.rootToken), signing: await load(names.signing) };
}

/** Puts secrets into a folder that has none yet: those of the cloud that a backup was taken of. */
export async function saveSecrets(folder: string, files: Files, secrets: Secrets): Promise<void> {
  for (const [name, secret] of Object.entries(namedSecrets(secrets)))
    await files.write(join(folder, name), `${secret}\n`, { mode: ownerOnly });
}

/** By the names under which they are kept, and agreed on. */
export function namedSecrets({ rootToken, signing }: Secrets): Record<string, string> {
  return { [names.rootToken]: rootToken, [names.signing]: signing };
}

function otherCloud(folder: string, name: string): CanopyError {
  return new CanopyError(
    "conflict",
    `Cannot use the folder ${folder} as its ${name} must be that of the log: it is of another cloud`,
    { hint: "Take another folder: canopy up --data FOLDER" },
  );
}

async function readSecret(path: string, files: Files): Promise<string | undefined> {
  const content = await files.read(path);
  if (content === undefined) return undefined;
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
