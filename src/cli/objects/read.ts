import { CanopyError } from "#/base/errors.ts";
import { formatDuration } from "#/model/units.ts";
import { readObject } from "#/sdk/objects/download.ts";
import { formatObjectName, parseObject } from "#/sdk/objects/place.ts";
import type { Cli, Done } from "../verb.ts";
import { objectsClient } from "./door.ts";
import { openingOf } from "./sealing.ts";

/** Writes objects, or a part of one, to the data output. */
export async function cat(cli: Cli, words: string[]): Promise<Done> {
  const client = await objectsClient(cli);
  const range = rangeOf(cli.options["range"] as string | undefined);
  const opening = openingOf(cli);
  for (const word of words)
    await cli.terminal.writeData(readObject(client, parseObject(word), { ...range, ...opening }));
}

/** "100-199", both counted in, or "100-" for what follows. */
function rangeOf(text: string | undefined): { start?: number; end?: number } {
  if (text === undefined) return {};
  const [, first, last] = /^(\d+)-(\d*)$/.exec(text) ?? [];
  if (first === undefined || (last !== "" && Number(last) < Number(first))) {
    throw new CanopyError("invalid", `Cannot read '${text}' as a range of bytes`, {
      hint: "Write it like --range 100-199, or --range 100- for what follows",
    });
  }
  return { start: Number(first), ...(last !== "" && { end: Number(last) + 1 }) };
}

const expiresMsMax = 7 * 24 * 60 * 60_000;

/** An address that lets whoever has it make one call, without a key, until it expires. */
export async function presign(cli: Cli, word: string): Promise<Done> {
  const { expires, method } = cli.options as {
    expires: number;
    method: "GET" | "PUT" | "DELETE" | "HEAD";
  };
  if (expires < 1000 || expires > expiresMsMax) {
    throw new CanopyError(
      "invalid",
      `Cannot sign an address for ${formatDuration(expires)} as it must be good for 1s to 7d`,
    );
  }
  const name = parseObject(word);
  const client = await objectsClient(cli);
  const url = client.presign(method, name, expires);
  const expiresAt = new Date(cli.terminal.world.clock.now() + expires).toISOString();
  return {
    type: "text",
    value: { url, method, object: formatObjectName(name), expiresAt },
    text: () => `${url}\n`,
  };
}
