import { argon2, createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import type { World } from "../../world.ts";

/**
 * The keys of client-side encryption. A *master key* is kept by the user: 32 bytes in a file, which a passphrase may seal, or
 * made of a passphrase by Argon2id (RFC 9106). Each object has a *data key* of its own, which the master key seals; sealed, it
 * goes with the object, so that a store learns neither.
 */
export interface MasterKey {
  /** Tells which key is needed, and nothing of it. */
  id: string;
  bytes: Uint8Array;
  /** How it was made of a passphrase; without it, it is in a file. */
  made?: MadeOf;
}

/** What, with a passphrase, makes a key again. */
export interface MadeOf {
  salt: string;
  memoryKiB: number;
  passes: number;
}

/** RFC 9106's second choice, for what has less memory than 2 GiB to spare. */
const cost = { memoryKiB: 64 * 1024, passes: 3 };
const lanes = 4;
const kind = "canopy-object-key";

interface KeyFile {
  kind: typeof kind;
  id: string;
  key: string;
  made?: MadeOf;
}

export function newMasterKey(random: Pick<Random, "bytes">): MasterKey {
  return keyOf(random.bytes(32));
}

/** A key made of a passphrase; with a salt of its own unless that of one made before is given. */
export async function passphraseKey(
  passphrase: string,
  random: Pick<Random, "bytes">,
  before?: MadeOf,
): Promise<MasterKey> {
  const made = before ?? { salt: base64(random.bytes(16)), ...cost };
  return { ...keyOf(await derive(passphrase, made)), made };
}

/** Text of a file that holds the key; sealed when a passphrase is given. */
export async function formatKey(
  { id, bytes }: MasterKey,
  random: Pick<Random, "bytes">,
  passphrase?: string,
): Promise<string> {
  const file: KeyFile = { kind, id, key: base64(bytes) };
  if (passphrase !== undefined) {
    file.made = { salt: base64(random.bytes(16)), ...cost };
    file.key = sealSmall(bytes, await derive(passphrase, file.made), id, random);
  }
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/**
 * The key of a file. Throws CanopyError "not-found", "invalid" for what is no such file, and "unauthenticated" when it is
 * sealed and the passphrase is missing or another.
 */
export async function readKey(
  files: World["files"],
  path: string,
  passphrase: () => Promise<string | undefined>,
): Promise<MasterKey> {
  const bytes = await files.read(path);
  if (!bytes) {
    throw new CanopyError("not-found", `Cannot read the key as there is no file ${path}`, {
      hint: `Make one with: canopy objects keygen ${path}`,
    });
  }
  const file = parseFile(path, Buffer.from(bytes).toString());
  if (!file.made) return checked(path, file, Buffer.from(file.key, "base64"));
  const word = await passphrase();
  if (word === undefined) {
    throw new CanopyError(
      "unauthenticated",
      `Cannot open ${path} as it is sealed with a passphrase`,
      {
        hint: "Give it in CANOPY_PASSPHRASE",
      },
    );
  }
  const opened = openSmall(file.key, await derive(word, file.made), file.id);
  if (opened) return checked(path, file, opened);
  throw new CanopyError("unauthenticated", `Cannot open ${path} as the passphrase is another`);
}

function checked(path: string, { id }: KeyFile, bytes: Uint8Array): MasterKey {
  const key = keyOf(bytes);
  if (bytes.byteLength === 32 && key.id === id) return key;
  throw new CanopyError("invalid", `Cannot use ${path} as its key is not the one that it names`);
}

function parseFile(path: string, text: string): KeyFile {
  try {
    const file = JSON.parse(text) as KeyFile;
    if (file.kind === kind && typeof file.key === "string") return file;
  } catch {
    // said below
  }
  throw new CanopyError("invalid", `Cannot read ${path} as it must be a key that canopy wrote`, {
    hint: "Make one with: canopy objects keygen FILE",
  });
}

/** Seals a few bytes: base64 of nonce, what they became, and tag. `name` has to be told again to open them. */
export function sealSmall(
  bytes: Uint8Array,
  key: Uint8Array,
  name: string,
  random: Pick<Random, "bytes">,
): string {
  const nonce = random.bytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(name));
  const sealed = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return base64(Buffer.concat([nonce, sealed, cipher.getAuthTag()]));
}

/** Undefined when the key or the name is another, or a bit was changed. */
export function openSmall(text: string, key: Uint8Array, name: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length < 28) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12), {
    authTagLength: 16,
  });
  decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(-16));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function keyOf(bytes: Uint8Array): MasterKey {
  const id = createHash("sha256").update("canopy object key id\n").update(bytes).digest("hex");
  return { id: id.slice(0, 16), bytes };
}

/** What is asked for comes from the store with the object: it must not take whatever memory and time it likes. */
async function derive(passphrase: string, { salt, memoryKiB, passes }: MadeOf): Promise<Buffer> {
  const isWithin = (value: number, min: number, max: number) =>
    Number.isInteger(value) && value >= min && value <= max;
  if (
    typeof salt !== "string" ||
    !isWithin(memoryKiB, 8 * lanes, limits.objectKeyMemoryKiBMax) ||
    !isWithin(passes, 1, limits.objectKeyPassesMax)
  ) {
    throw new CanopyError(
      "damaged",
      `Cannot make the key of the passphrase as that may take ${limits.objectKeyMemoryKiBMax} KiB and ${limits.objectKeyPassesMax} passes: asked for are ${memoryKiB} KiB and ${passes}`,
    );
  }
  return await new Promise((resolve, reject) => {
    const asked = {
      message: passphrase.normalize("NFC"),
      nonce: Buffer.from(salt, "base64"),
      parallelism: lanes,
      tagLength: 32,
      memory: memoryKiB,
      passes,
    };
    argon2("argon2id", asked, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
