import { resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Cli, Done } from "../verb.ts";
import { instanceCalls, instanceNamed, reachedAt } from "./find.ts";

const sshPort = 22;

/** Opens a shell in the instance by this computer's ssh, or runs what stands after "--"; ends with its exit code. */
export async function openSsh(cli: Cli, word: string): Promise<Done> {
  const calls = await instanceCalls(cli);
  const instance = await calls.read(await instanceNamed(calls, word));
  const { host, port } = reachedAt(instance, sshPort);
  const { identity, user } = cli.options as { identity?: string; user?: string };
  const { world } = cli.terminal;
  // Another instance may have had this address and port: a host key is known by the instance's id.
  const command = [
    "ssh",
    "-p",
    String(port),
    "-o",
    `HostKeyAlias=${instance.id}`,
    "-o",
    "StrictHostKeyChecking=accept-new",
    ...(identity === undefined ? [] : ["-i", resolve(world.folder, identity)]),
    user === undefined ? host : `${user}@${host}`,
    ...(cli.rest ?? []),
  ];
  const exitCode = await cli.terminal.run(command);
  if (exitCode !== undefined) return { exitCode };
  throw new CanopyError("not-found", "Cannot start ssh as this computer has no such program", {
    hint: "Install it: apt install openssh-client",
  });
}
