import { join } from "node:path";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import type { JoinAnswer, JoinRequest } from "#/model/wire.ts";
import type { StartAgentOptions } from "./options.ts";

export interface Identity {
  machine: string;
  key: string;
}

const fileName = "identity.json";

/**
 * Who this machine is: as it was told, as its folder remembers, or as a one-time token makes it. A new
 * identity is kept in a file that only its owner reads. Throws CanopyError "unauthenticated" when there
 * is neither, or the token was refused.
 */
export async function identify(
  options: Pick<StartAgentOptions, "folder" | "url" | "token" | "identity" | "labels"> & {
    host: Pick<Host, "files" | "network" | "processes">;
  },
): Promise<Identity> {
  const { host, folder, url, token, identity, labels } = options;
  if (identity) return identity;
  const path = join(folder, fileName);
  const kept = await readIdentity(host, path);
  if (kept && (kept.url === url || token === undefined)) return kept;
  if (token === undefined) {
    throw new CanopyError(
      "unauthenticated",
      `Cannot join ${url} as this machine has no key and was given no token`,
      {
        hint: "Ask for the line to paste with: canopy join",
      },
    );
  }
  const answer = await askToJoin(host, url, {
    token,
    hostname: host.processes.facts().hostname,
    labels,
  });
  await host.files.write(path, `${JSON.stringify({ ...answer, url })}\n`, { mode: 0o600 });
  return answer;
}

async function readIdentity(
  { files }: Pick<Host, "files">,
  path: string,
): Promise<(Identity & { url: string }) | undefined> {
  const content = await files.read(path);
  if (!content) return undefined;
  try {
    return JSON.parse(Buffer.from(content).toString()) as Identity & { url: string };
  } catch (thrown) {
    throw new CanopyError("invalid", `Cannot read ${path}: ${messageOf(thrown)}`, {
      hint: "Remove it and join again with a new token",
    });
  }
}

async function askToJoin(
  { network }: Pick<Host, "network">,
  url: string,
  request: JoinRequest,
): Promise<JoinAnswer> {
  const response = await network.request({
    method: "POST",
    url: new URL("/v1/machines/join", url).href,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  let text = "";
  for await (const piece of response.body) text += Buffer.from(piece).toString();
  if (response.status < 300) return JSON.parse(text) as JoinAnswer;
  const code =
    response.status === 401 || response.status === 403 ? "unauthenticated" : "unavailable";
  throw new CanopyError(
    code,
    `Cannot join ${url}: ${detailOf(text) ?? `it answered ${response.status}`}`,
    {
      hint: "A token is good once and for an hour. Ask for a new line with: canopy join",
    },
  );
}

function detailOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { detail?: string }).detail;
  } catch {
    return undefined;
  }
}
