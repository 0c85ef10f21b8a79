import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import type { RemoteCredentials } from "./cluster.ts";

/**
 * The keys for another cluster: CANOPY_OBJECTS_ACCESS_KEY_ID and its like, those of AWS's tools, or a profile of theirs, in
 * this order. Throws CanopyError "invalid" where there are none.
 */
export async function readRemoteCredentials(
  env: Readonly<Record<string, string | undefined>>,
  files: Pick<Files, "read">,
): Promise<RemoteCredentials> {
  const named =
    keysOf((name) => env[`CANOPY_OBJECTS_${name}`]) ?? keysOf((name) => env[`AWS_${name}`]);
  if (named) return named;
  const profile = env["AWS_PROFILE"] ?? "default";
  const file =
    env["AWS_SHARED_CREDENTIALS_FILE"] ?? join(env["HOME"] ?? "/", ".aws", "credentials");
  const text = await files.read(file);
  const section = text && sectionOf(Buffer.from(text).toString("utf8"), profile);
  const found = section && keysOf((name) => section.get(`aws_${name.toLowerCase()}`));
  if (found) return found;
  throw new CanopyError(
    "invalid",
    `Cannot keep objects elsewhere as its keys must be in CANOPY_OBJECTS_ACCESS_KEY_ID and CANOPY_OBJECTS_SECRET_ACCESS_KEY, in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in the profile '${profile}' of ${file}: they are in none`,
  );
}

function keysOf(of: (name: string) => string | undefined): RemoteCredentials | undefined {
  const accessKeyId = of("ACCESS_KEY_ID");
  const secretAccessKey = of("SECRET_ACCESS_KEY");
  const sessionToken = of("SESSION_TOKEN");
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}

/** What a section of an INI file sets. */
function sectionOf(text: string, wanted: string): Map<string, string> {
  const found = new Map<string, string>();
  let section = "";
  for (const line of text.split(/\r?\n/)) {
    const name = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (name !== undefined) section = name;
    const [, key, value] = /^\s*([^#;=\s]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section === wanted && key !== undefined) found.set(key.toLowerCase(), value ?? "");
  }
  return found;
}
