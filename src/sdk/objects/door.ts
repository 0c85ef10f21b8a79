import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Wish } from "../contexts.ts";
import type { World } from "../world.ts";
import type { Credentials } from "./signature.ts";

/** An S3-compatible store, and as whom it is spoken to. */
export interface ObjectsDoor {
  /** Without a path: "http://127.0.0.1:8421". */
  endpoint: string;
  region: string;
  credentials: Credentials;
  /** Where the address came from, for people. */
  from: string;
}

/** A cloud and another store cannot both be named. */
export interface ObjectsWish extends Wish {
  endpoint?: string;
  region?: string;
  profile?: string;
}

type Places = Pick<World, "env" | "files" | "home">;
type Settings = Record<string, string>;

const regionDefault = "us-east-1";
/** What names a cloud in the environment goes before what names another store there. */
const cloudVariables = ["CANOPY_URL", "CANOPY_KEY", "CANOPY_PROJECT", "CANOPY_CONTEXT"] as const;

/**
 * The store that is named otherwise than by a cloud: by the call, or, where neither the call nor the environment names a cloud, by
 * AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or a profile; undefined when none is. Its keys are those of the environment, else of the
 * profile: never those of a cloud, so that none is sent elsewhere. Throws CanopyError "unauthenticated" where there are none,
 * "invalid" where the call names a cloud too.
 */
export async function findForeignDoor(
  places: Places,
  wish: ObjectsWish,
): Promise<ObjectsDoor | undefined> {
  const { env } = places;
  const isAsked = wish.endpoint !== undefined || wish.profile !== undefined;
  const cloud = (["url", "key", "project", "context"] as const).find(
    (name) => wish[name] !== undefined,
  );
  if (isAsked && cloud !== undefined) {
    throw new CanopyError(
      "invalid",
      `Cannot tell which store is meant as it must be a cloud's or another: given are '${cloud}' and '${wish.endpoint === undefined ? "profile" : "endpoint"}'`,
      { hint: "Leave one of both out" },
    );
  }
  if (!isAsked && (cloud !== undefined || cloudVariables.some((name) => env[name])))
    return undefined;
  const named = wish.profile ?? (env["AWS_PROFILE"] || undefined);
  const settings = await profileOf(places, named ?? "default");
  if (named !== undefined && !settings) {
    throw new CanopyError(
      "not-found",
      `Cannot use the profile '${named}' as there is none of that name`,
      {
        hint: "See ~/.aws/config, or write one with: canopy aws configure",
      },
    );
  }
  const [endpoint, from] =
    firstOf<[string | undefined, string]>([
      [wish.endpoint, "the call"],
      [env["AWS_ENDPOINT_URL_S3"], "AWS_ENDPOINT_URL_S3"],
      [env["AWS_ENDPOINT_URL"], "AWS_ENDPOINT_URL"],
      [named === undefined ? undefined : settings?.["endpoint_url"], `the profile '${named}'`],
    ]) ?? [];
  if (endpoint === undefined || from === undefined) {
    if (wish.profile === undefined) return undefined;
    throw new CanopyError(
      "invalid",
      `Cannot use the profile '${wish.profile}' as it names no endpoint_url`,
      { hint: "Name the store: --endpoint https://HOST:PORT" },
    );
  }
  const credentials =
    credentialsOf(env, wish.profile === undefined) ?? credentialsOf(settings ?? {}, true);
  if (!credentials) {
    throw new CanopyError(
      "unauthenticated",
      `Cannot sign calls to ${endpoint} as there is no access key`,
      {
        hint: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile: --profile NAME",
      },
    );
  }
  return {
    endpoint: originOf(endpoint, from),
    region:
      wish.region ??
      (env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || settings?.["region"] || regionDefault),
    credentials,
    from,
  };
}

function firstOf<T extends [string | undefined, string]>(all: T[]): T | undefined {
  return all.find(([value]) => value !== undefined && value !== "");
}

function credentialsOf(
  from: Readonly<Record<string, string | undefined>>,
  isAsked: boolean,
): Credentials | undefined {
  const at = (name: string) => from[name.toUpperCase()] ?? from[name];
  const [accessKeyId, secretAccessKey] = [at("aws_access_key_id"), at("aws_secret_access_key")];
  const sessionToken = at("aws_session_token");
  if (!isAsked || !accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}

/** Scheme and host of an address. Throws CanopyError "invalid". */
export function originOf(endpoint: string, from: string): string {
  const url = URL.parse(endpoint);
  if (url && /^https?:$/.test(url.protocol) && /^\/*$/.test(url.pathname) && url.search === "")
    return url.origin;
  throw new CanopyError(
    "invalid",
    `Cannot speak to an object store as its address must be like https://HOST:PORT: ${from} says '${endpoint}'`,
  );
}

/** What the two files of AWS's tools say of a profile; undefined where neither names it. */
async function profileOf(
  { env, files, home }: Places,
  name: string,
): Promise<Settings | undefined> {
  const config = env["AWS_CONFIG_FILE"] || join(home, ".aws", "config");
  const credentials = env["AWS_SHARED_CREDENTIALS_FILE"] || join(home, ".aws", "credentials");
  const found = [
    (await sectionsOf(files, config)).get(name === "default" ? name : `profile ${name}`),
    (await sectionsOf(files, credentials)).get(name),
  ].filter((settings) => settings !== undefined);
  return found.length === 0 ? undefined : Object.assign({}, ...found);
}

async function sectionsOf(files: World["files"], path: string): Promise<Map<string, Settings>> {
  const sections = new Map<string, Settings>();
  const bytes = await files.read(path);
  let section: Settings = {};
  for (const line of Buffer.from(bytes ?? [])
    .toString()
    .split("\n")) {
    const title = /^\[\s*(.*?)\s*\]/.exec(line)?.[1];
    const [, key, value] = /^([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (title !== undefined)
      sections.set(title.replace(/\s+/g, " "), (section = sections.get(title) ?? {}));
    else if (key !== undefined) section[key] = value!;
  }
  return sections;
}
