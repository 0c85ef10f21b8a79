import { CanopyError } from "#/base/errors.ts";
import type { InstanceView } from "#/model/instance-views.ts";
import { InstanceCalls } from "#/sdk/instances.ts";
import type { Cli } from "../verb.ts";

export const instanceCalls = async (cli: Cli) => new InstanceCalls((await cli.client()).http);

const there = "pending,running,stopping,stopped";

/** The id that a word means: an id, or the name of one instance that is there. Throws "not-found", "conflict" where several have it. */
export async function instanceNamed(calls: InstanceCalls, word: string): Promise<string> {
  if (word.startsWith("i-")) return word;
  const { items } = await calls.list({ tag: `Name=${word}`, state: there, limit: 3 });
  const [first, ...others] = items;
  if (!first)
    throw new CanopyError("not-found", `Cannot find an instance that is called '${word}'`, {
      hint: "See them all: canopy instances ls",
    });
  if (others.length > 0)
    throw new CanopyError(
      "conflict",
      `Cannot tell which instance '${word}' means as several have that name: ${items.map(({ id }) => id).join(", ")}`,
      { hint: "Name it by its id" },
    );
  return first.id;
}

/** Where a port of an instance is reached from outside. Throws "unavailable" where it is not. */
export function reachedAt(
  { id, state, publicIp, ports }: InstanceView,
  port: number,
): { host: string; port: number } {
  if (state !== "running")
    throw new CanopyError("conflict", `Cannot reach ${id} as it must be running: it is ${state}`, {
      hint: `canopy why ${id}`,
    });
  if (publicIp === undefined)
    throw new CanopyError(
      "unavailable",
      `Cannot reach ${id} as it must have a public address: it has none`,
      { hint: `canopy instances console ${id}` },
    );
  if (!ports) return { host: publicIp, port };
  const forwarded = ports[String(port)];
  if (forwarded !== undefined) return { host: publicIp, port: forwarded };
  throw new CanopyError(
    "unavailable",
    `Cannot reach port ${port} of ${id} as its security groups must let it in: of ${publicIp} it has ${Object.keys(ports).join(", ") || "none"}`,
    { hint: `Launch it with: --port ${port}` },
  );
}
