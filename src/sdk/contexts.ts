import { dirname, join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { World } from "./world.ts";

/** A cloud that a person uses, under a name: as in a kubeconfig, in JSON, as it is read by every command. */
export interface Context {
  url: string;
  key?: string;
  project?: string;
}

export interface Contexts {
  current?: string;
  contexts: Record<string, Context>;
}

/** What a call may say itself; it goes before everything else. */
export interface Wish {
  url?: string;
  key?: string;
  project?: string;
  context?: string;
}

/** Where calls go, as whom. */
export interface Door {
  /** One or several control planes of one cloud, with commas between. */
  url: string;
  key: string | undefined;
  project: string | undefined;
  /** Where the address came from, for people. */
  from: string;
  /** The context that it came from. */
  context?: string;
}

type Places = Pick<World, "env" | "files" | "folder" | "home">;

export function contextsFile({ env, home }: Pick<World, "env" | "home">): string {
  return join(env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "canopy", "contexts.json");
}

/** All contexts; none when there is no file. Throws CanopyError "invalid" when the file cannot be read as one. */
export async function readContexts(places: Places): Promise<Contexts> {
  const file = contextsFile(places);
  const bytes = await places.files.read(file);
  if (!bytes) return { contexts: {} };
  const contexts = parseFile(file, bytes) as Partial<Contexts>;
  return { ...contexts, contexts: contexts.contexts ?? {} };
}

/** Keeps them in a file that only its owner reads, as it holds keys. */
export async function writeContexts(places: Places, contexts: Contexts): Promise<void> {
  await places.files.write(contextsFile(places), `${JSON.stringify(contexts, undefined, 2)}\n`, {
    mode: 0o600,
  });
}

/**
 * Finds the cloud to speak to: what the call says, then CANOPY_URL, CANOPY_KEY and CANOPY_PROJECT, then
 * the project's file "canopy.json" (which may name a context and a project, and never an address, so
 * that a folder from elsewhere cannot send a key away), then the current context.
 * Throws CanopyError "invalid" when nothing names one, "not-found" when a named context is not there.
 */
export async function findDoor(places: Places, wish: Wish): Promise<Door> {
  const { env } = places;
  const url = wish.url ?? (wish.context === undefined ? env["CANOPY_URL"] || undefined : undefined);
  if (url !== undefined) {
    const from = wish.url === undefined ? "CANOPY_URL" : "the call";
    const key = wish.key ?? (env["CANOPY_KEY"] || (await keyFor(places, url)));
    return {
      url: checkedUrl(url, from),
      key,
      project: wish.project ?? (env["CANOPY_PROJECT"] || undefined),
      from,
    };
  }
  const known = await readContexts(places);
  const project = await projectFile(places);
  const name = wish.context ?? (env["CANOPY_CONTEXT"] || (project.context ?? known.current));
  if (name === undefined) {
    throw new CanopyError(
      "invalid",
      "Cannot tell which cloud to speak to, as no context was written yet",
      {
        hint: "Start a cloud here with: canopy up     or set CANOPY_URL and CANOPY_KEY",
      },
    );
  }
  const context = known.contexts[name];
  if (!context) {
    const names = Object.keys(known.contexts).join(", ") || "none";
    throw new CanopyError(
      "not-found",
      `Cannot use the context '${name}' as there is none of that name: known are ${names}`,
      {
        hint: "See them with: canopy context list",
      },
    );
  }
  return {
    url: checkedUrl(context.url, `the context '${name}'`),
    key: wish.key ?? (env["CANOPY_KEY"] || context.key),
    project: wish.project ?? (env["CANOPY_PROJECT"] || (project.project ?? context.project)),
    from: `the context '${name}'`,
    context: name,
  };
}

/** An address that a context knows, among others or alone, is used with that context's key. */
async function keyFor(places: Places, url: string): Promise<string | undefined> {
  const { contexts } = await readContexts(places);
  const wanted = partsOf(url);
  const isOf = (context: Context) => partsOf(context.url).some((part) => wanted.includes(part));
  return Object.values(contexts).find((context) => isOf(context))?.key;
}

/** The nearest "canopy.json" from the folder upward. */
async function projectFile({
  files,
  folder,
}: Places): Promise<{ context?: string; project?: string }> {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "canopy.json");
    const bytes = await files.read(file);
    if (bytes) return parseFile(file, bytes) as { context?: string; project?: string };
    if (dirname(at) === at) return {};
  }
}

function parseFile(file: string, bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // said below
  }
  throw new CanopyError("invalid", `Cannot read ${file} as it must hold one JSON object`, {
    hint: "Correct or remove it",
  });
}

function partsOf(url: string): string[] {
  return url
    .split(",")
    .map((part) => part.trim().replace(/\/+$/, ""))
    .filter((part) => part !== "");
}

function checkedUrl(url: string, from: string): string {
  const parts = partsOf(url);
  const wrong = parts.find((part) => !/^https?:$/.test(URL.parse(part)?.protocol ?? ""));
  if (wrong !== undefined || parts.length === 0) {
    throw new CanopyError(
      "invalid",
      `Cannot speak to a cloud as its address must begin with http:// or https://: ${from} says '${wrong ?? url}'`,
    );
  }
  return parts.join(",");
}
