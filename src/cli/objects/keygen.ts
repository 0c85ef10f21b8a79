import { resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { formatKey, newMasterKey } from "#/sdk/objects/sealed/keys.ts";
import type { Cli, Done } from "../verb.ts";
import { passphraseAsked } from "./sealing.ts";

/** Makes a key for sealing objects, in a file that only its owner reads. */
export async function keygen(cli: Cli, word: string): Promise<Done> {
  const { world } = cli.terminal;
  const file = resolve(world.folder, word);
  if (await world.files.stat(file)) {
    throw new CanopyError(
      "conflict",
      `Cannot write a key to ${file} as that file is there already`,
      {
        hint: "What it seals cannot be opened without it; choose another name",
      },
    );
  }
  const passphrase = cli.options["passphrase"] === true ? await passphraseAsked(cli) : undefined;
  const key = newMasterKey(world.random);
  await world.files.write(file, await formatKey(key, world.random, passphrase), { mode: 0o600 });
  return {
    type: "done",
    value: { file, id: key.id },
    message: `${file} holds the key ${key.id}. Keep a copy elsewhere: without it, nothing that it seals can be opened.`,
  };
}
