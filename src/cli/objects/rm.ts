import { limits } from "#/base/limits.ts";
import { formatObjectName, parseObject, parseObjectName } from "#/sdk/objects/place.ts";
import type { ObjectsClient } from "#/sdk/objects/store.ts";
import { confirm } from "../confirm.ts";
import type { Cli, Done } from "../verb.ts";
import { countOf } from "../words.ts";
import { objectsClient } from "./door.ts";

export async function remove(cli: Cli, word: string): Promise<Done> {
  const { recursive, yes } = cli.options as { recursive?: boolean; yes?: boolean };
  const client = await objectsClient(cli);
  if (recursive !== true) {
    const name = parseObject(word);
    const text = formatObjectName(name);
    await confirm(cli.terminal, `remove ${text}`, text, yes);
    await client.delete(name);
    return { type: "done", value: { removed: 1, failed: [] }, message: `${text} is removed` };
  }
  const name = parseObjectName(word);
  const text = formatObjectName(name);
  await confirm(cli.terminal, `remove all objects whose names begin with ${text}`, text, yes);
  const keys: string[] = [];
  let removed = 0;
  const failed: { key: string; message: string }[] = [];
  const flush = async () => {
    const gone = await removeKeys(client, name.bucket, keys.splice(0));
    removed += gone.removed;
    failed.push(...gone.failed);
  };
  for await (const { key } of client.objects(name)) {
    keys.push(key);
    if (keys.length === limits.objectsRemovedAtOnce) await flush();
  }
  await flush();
  for (const { key, message } of failed) cli.terminal.err.write(`✗ ${key}: ${message}\n`);
  return {
    result: {
      type: "done",
      value: { removed, failed },
      message: `${countOf(removed)} ${removed === 1 ? "object is" : "objects are"} removed`,
    },
    exitCode: failed.length > 0 ? 1 : 0,
  };
}

/** Removes objects, 1,000 with a call. */
export async function removeKeys(
  client: ObjectsClient,
  bucket: string,
  keys: readonly string[],
): Promise<{ removed: number; failed: { key: string; message: string }[] }> {
  const failed: { key: string; message: string }[] = [];
  for (let at = 0; at < keys.length; at += limits.objectsRemovedAtOnce)
    failed.push(
      ...(await client.deleteMany(bucket, keys.slice(at, at + limits.objectsRemovedAtOnce))),
    );
  return { removed: keys.length - failed.length, failed };
}
