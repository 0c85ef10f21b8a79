import { resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Opening } from "#/sdk/objects/download.ts";
import { passphraseKey, readKey, type MasterKey } from "#/sdk/objects/sealed/keys.ts";
import type { Cli } from "../verb.ts";

interface SealingOptions {
  encrypt?: string;
  decrypt?: string;
  passphrase?: boolean;
  anyName?: boolean;
  raw?: boolean;
}

/** The key that uploads are sealed with; undefined when they are not. */
export async function sealingKey(cli: Cli): Promise<MasterKey | undefined> {
  const { encrypt, passphrase } = cli.options as SealingOptions;
  const { world } = cli.terminal;
  if (encrypt !== undefined)
    return readKey(world.files, resolve(world.folder, encrypt), () => passphraseOf(cli));
  if (passphrase !== true) return undefined;
  return passphraseKey(await passphraseAsked(cli), world.random);
}

/** What is done about objects that are sealed, as the options say. */
export function openingOf(cli: Cli): Opening {
  const { anyName, raw } = cli.options as SealingOptions;
  if (raw === true) return { isRaw: true };
  const keyFor = keyFinder(cli);
  return { ...(keyFor && { keyFor }), ...(anyName === true && { isAnyName: true }) };
}

function keyFinder(cli: Cli): Opening["keyFor"] {
  const { decrypt, encrypt, passphrase } = cli.options as SealingOptions;
  const { world } = cli.terminal;
  const file = decrypt ?? encrypt;
  if (file !== undefined) {
    let key: Promise<MasterKey> | undefined;
    return () =>
      (key ??= readKey(world.files, resolve(world.folder, file), () => passphraseOf(cli)));
  }
  if (passphrase !== true) return undefined;
  // Made with as much work as it took then: the same for all objects of one upload.
  const keys = new Map<string, Promise<MasterKey>>();
  return ({ made, keyId }) => {
    if (!made) {
      throw new CanopyError(
        "unauthenticated",
        `Cannot open this object with a passphrase as it was sealed with the key ${keyId} of a file`,
        { hint: "Give that file: --decrypt KEYFILE" },
      );
    }
    const how = JSON.stringify(made);
    let key = keys.get(how);
    if (!key) {
      key = passphraseAsked(cli).then((word) => passphraseKey(word, world.random, made));
      keys.set(how, key);
    }
    return key;
  };
}

/** The passphrase of the environment, or of the person at the terminal. */
export async function passphraseAsked(cli: Cli): Promise<string> {
  const word = await passphraseOf(cli);
  if (word !== undefined && word !== "") return word;
  throw new CanopyError(
    "invalid",
    "Cannot go on without a passphrase, as nobody is at a terminal",
    {
      hint: "Give it in CANOPY_PASSPHRASE",
    },
  );
}

async function passphraseOf({ terminal }: Cli): Promise<string | undefined> {
  const given = terminal.world.env["CANOPY_PASSPHRASE"];
  if (given !== undefined && given !== "") return given;
  return terminal.canAsk ? await terminal.askSecret("Passphrase: ") : undefined;
}
