import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { textOf } from "#/base/body.ts";
import { sleep } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { randomText } from "#/base/random.ts";
import type { JoinAnswer, JoinRequest } from "#/model/wire.ts";
import { codeOf, detailOf, isPassing } from "./calls.ts";
import type { StartAgentOptions } from "./options.ts";

export interface Identity {
  machine: string;
  key: string;
  /** Control planes that the cloud told of, when it was last heard. */
  controlPlanes: readonly string[];
}

/** An identity as its file holds it. */
interface KeptIdentity extends Identity {
  /** Where it joined. */
  url: string;
}

const fileName = "identity.json";

/**
 * Who this machine is: as it was told, as its folder remembers, or as a one-time token makes it. A new
 * identity is kept in a file that only its owner reads. Throws CanopyError "unauthenticated" when there
 * is neither, or the token was refused.
 */
export async function identify(
  options: Pick<
    StartAgentOptions,
    "folder" | "urls" | "token" | "identity" | "labels" | "joinPatienceMs"
  > & {
    host: Pick<Host, "clock" | "files" | "network" | "processes" | "random">;
  },
): Promise<Identity> {
  const { host, folder, urls, token, identity, labels, joinPatienceMs = 0 } = options;
  if (identity) return { ...identity, controlPlanes: [] };
  const path = join(folder, fileName);
  const kept = await readIdentity(host, path);
  const isOfThisCloud = kept && [kept.url, ...kept.controlPlanes].some((url) => urls.includes(url));
  if (kept && (isOfThisCloud || token === undefined)) {
    return isOfThisCloud ? kept : { ...kept, controlPlanes: [] };
  }
  if (token === undefined) {
    throw new CanopyError(
      "unauthenticated",
      `Cannot join ${urls.join(", ")} as this machine has no key and was given no token`,
      {
        hint: "Ask for the line to paste with: canopy join",
      },
    );
  }
  const { hostname } = host.processes.facts();
  const made = await joinAny(host, urls, { token, hostname, labels }, joinPatienceMs);
  await writeIdentity(host, path, made);
  return made;
}

/** Remembers where else the cloud is, for the next start. */
export async function keepControlPlanes(
  host: Pick<Host, "files">,
  folder: string,
  controlPlanes: readonly string[],
): Promise<void> {
  const path = join(folder, fileName);
  const kept = await readIdentity(host, path);
  if (!kept || isDeepStrictEqual(kept.controlPlanes, controlPlanes)) return;
  await writeIdentity(host, path, { ...kept, controlPlanes });
}

async function writeIdentity(
  { files }: Pick<Host, "files">,
  path: string,
  identity: KeptIdentity,
): Promise<void> {
  await files.write(path, `${JSON.stringify(identity)}\n`, { mode: 0o600 });
}

async function readIdentity(
  { files }: Pick<Host, "files">,
  path: string,
): Promise<KeptIdentity | undefined> {
  const content = await files.read(path);
  if (!content) return undefined;
  try {
    const kept = JSON.parse(Buffer.from(content).toString()) as KeptIdentity;
    return { ...kept, controlPlanes: kept.controlPlanes ?? [] };
  } catch (thrown) {
    throw new CanopyError("invalid", `Cannot read ${path}: ${messageOf(thrown)}`, {
      hint: "Remove it and join again with a new token",
    });
  }
}

/**
 * Joins by the first control plane that answers, however often that takes. A token is good once: who asks another, or
 * again, says that it is the same call.
 */
async function joinAny(
  host: Pick<Host, "clock" | "network" | "random">,
  urls: readonly string[],
  request: JoinRequest,
  patienceMs: number,
): Promise<KeptIdentity> {
  const { clock, random } = host;
  const callKey = randomText(random, 26);
  const untilMs = clock.monotonicMs() + patienceMs;
  for (let turn = 0; ; turn++) {
    let failure: unknown;
    for (const url of urls) {
      try {
        return { ...(await askToJoin(host, url, request, callKey)), url, controlPlanes: [] };
      } catch (thrown) {
        failure = thrown;
        if (!isPassing(thrown)) throw thrown;
      }
    }
    if (clock.monotonicMs() >= untilMs) throw failure;
    await sleep(clock, Math.min(limits.reconnectMsMin * 2 ** turn, limits.reconnectMsMax));
  }
}

async function askToJoin(
  { network }: Pick<Host, "network">,
  url: string,
  request: JoinRequest,
  callKey: string,
): Promise<JoinAnswer> {
  const response = await network.request({
    method: "POST",
    url: new URL("/v1/machines/join", url).href,
    headers: { "content-type": "application/json", "idempotency-key": callKey },
    body: JSON.stringify(request),
  });
  const text = await textOf(response.body);
  if (response.status < 300) return JSON.parse(text) as JoinAnswer;
  const code = codeOf(response.status);
  throw new CanopyError(
    code === "forbidden" ? "unauthenticated" : code,
    `Cannot join ${url}: ${detailOf(text) ?? `it answered ${response.status}`}`,
    {
      hint: "A token is good once and for an hour. Ask for a new line with: canopy join",
    },
  );
}
