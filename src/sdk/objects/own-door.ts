import { createHash } from "node:crypto";
import { join } from "node:path";
import type { AccessKeyView, MadeAccessKeyView } from "#/model/access-key-views.ts";
import type { Page } from "#/model/views.ts";
import { allOf, type Client } from "../client.ts";
import { contextsFile } from "../contexts.ts";
import type { World } from "../world.ts";
import { originOf, type ObjectsDoor } from "./door.ts";
import type { Credentials } from "./signature.ts";

/** Access keys that clouds gave to this user, in a file that only he reads. */
interface KeptKeys {
  [cloud: string]: Pick<ObjectsDoor, "endpoint" | "region"> & Credentials;
}

/**
 * The AWS services of a cloud, with an access key that is asked of the cloud once, and kept: of the project's account, or of one
 * of its users. With `isChecked`, one that the cloud has no more is asked for anew.
 */
export async function ownDoor(
  client: Client,
  world: Pick<World, "files" | "env" | "home">,
  { user, isChecked = false }: { user?: string | undefined; isChecked?: boolean } = {},
): Promise<ObjectsDoor> {
  const { url, key, project, from } = client.door;
  // What one key of the cloud was given is not for who comes with another, or with a wrong one.
  const who = key && `key:${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
  const name = [url, project, who, user && `user:${user}`]
    .filter((one) => one !== undefined)
    .join(" ");
  const file = join(contextsFile(world), "..", "access-keys.json");
  const bytes = await world.files.read(file);
  const kept = (bytes ? JSON.parse(Buffer.from(bytes).toString()) : {}) as KeptKeys;
  const known = kept[name];
  if (known && (!isChecked || (await isThere(known.accessKeyId)))) {
    const { endpoint, region, ...credentials } = known;
    return { endpoint, region, credentials, from };
  }
  const made = await client.http.json<MadeAccessKeyView>("POST", "/v1/access-keys", {
    body: { title: "canopy objects", ...(user !== undefined && { user }) },
  });
  const { region, accessKeyId, secretAccessKey } = made;
  const endpoint = originOf(made.endpoint, from);
  kept[name] = { endpoint, region, accessKeyId, secretAccessKey };
  await world.files.write(file, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o600 });
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey }, from };

  async function isThere(id: string): Promise<boolean> {
    const pages = (query: object) =>
      client.http.json<Page<AccessKeyView>>("GET", "/v1/access-keys", { query: { ...query } });
    for await (const one of allOf(pages)) if (one.accessKeyId === id) return one.isActive;
    return false;
  }
}
