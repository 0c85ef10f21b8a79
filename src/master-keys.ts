import type { MasterKeys } from "#/access/vault.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";

const lengthMin = 32;

/**
 * What the environment says of master keys: CANOPY_MASTER_KEY, or CANOPY_MASTER_KEY_FILE for one in a file, and in
 * CANOPY_MASTER_KEY_PREVIOUS those that it takes the place of, with commas between. Throws "invalid" for one that is
 * too short to be a key, or a file that is not there.
 */
export async function readMasterKeys(
  env: Readonly<Record<string, string | undefined>>,
  files: Pick<Files, "read">,
): Promise<MasterKeys> {
  const { CANOPY_MASTER_KEY: key, CANOPY_MASTER_KEY_FILE: file } = env;
  const previous = env["CANOPY_MASTER_KEY_PREVIOUS"];
  if (key && file)
    throw new CanopyError(
      "invalid",
      "Cannot start as only one of CANOPY_MASTER_KEY and CANOPY_MASTER_KEY_FILE may be set: both are",
    );
  const current = key ? checked(key, "CANOPY_MASTER_KEY") : file && (await keyIn(file, files));
  const before = (previous ?? "").split(",").filter((one) => one.trim() !== "");
  return {
    ...(current && { current }),
    previous: before.map((one) => checked(one, "CANOPY_MASTER_KEY_PREVIOUS")),
  };
}

async function keyIn(file: string, files: Pick<Files, "read">): Promise<string> {
  const content = await files.read(file);
  if (content) return checked(Buffer.from(content).toString(), "CANOPY_MASTER_KEY_FILE");
  throw new CanopyError(
    "invalid",
    `Cannot start as the file of CANOPY_MASTER_KEY_FILE must be there: current value is '${file}'`,
    { hint: `Make one: openssl rand -base64 32 > ${file}; chmod 600 ${file}` },
  );
}

function checked(text: string, name: string): string {
  const key = text.trim();
  if (key.length >= lengthMin) return key;
  throw new CanopyError(
    "invalid",
    `Cannot start as ${name} must have ${lengthMin} characters or more: it has ${key.length}`,
    { hint: "Make one: openssl rand -base64 32" },
  );
}
