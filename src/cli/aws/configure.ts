import { dirname, join } from "node:path";
import type { ObjectsDoor } from "#/sdk/objects/door.ts";
import type { World } from "#/sdk/world.ts";
import { withSection } from "./profile.ts";

/** Writes a profile for all of AWS's tools: its keys into a file that only its owner reads. Gives the names of both files. */
export async function writeProfile(
  { files, env, home }: Pick<World, "files" | "env" | "home">,
  profile: string,
  { endpoint, region, credentials }: ObjectsDoor,
): Promise<string[]> {
  const folder = join(home, ".aws");
  const keysFile = env["AWS_SHARED_CREDENTIALS_FILE"] || join(folder, "credentials");
  const configFile = env["AWS_CONFIG_FILE"] || join(folder, "config");
  const change = async (
    file: string,
    heading: string,
    settings: Parameters<typeof withSection>[2],
  ) => {
    const before = await files.read(file);
    const text = before ? Buffer.from(before).toString() : "";
    await files.makeFolder(dirname(file));
    await files.write(file, withSection(text, heading, settings), { mode: 0o600 });
  };
  await change(keysFile, profile, {
    aws_access_key_id: credentials.accessKeyId,
    aws_secret_access_key: credentials.secretAccessKey,
  });
  await change(configFile, profile === "default" ? profile : `profile ${profile}`, {
    region,
    endpoint_url: endpoint,
    s3: { addressing_style: "path" },
  });
  return [keysFile, configFile];
}
