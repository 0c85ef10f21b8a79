import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "#/base/testing/free-port.ts";
import type { SshHost } from "#/model/site-config.ts";
import type { FarHost } from "./far-host.ts";

/** A real sshd with keys, a configuration and a home of its own. */
export interface Sshd {
  host: Pick<SshHost, "address" | "port">;
  home: string;
  knownHosts: string;
  /** It answers no more: it is off, or asleep. */
  stop(): void;
  start(): Promise<void>;
}

/** The key that opens all of them. */
export interface ClientKey {
  privateKey: string;
  publicKey: string;
}

export function makeKey(folder: string, name: string): ClientKey {
  const path = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
  return {
    privateKey: readFileSync(path, "utf8"),
    publicKey: readFileSync(`${path}.pub`, "utf8"),
  };
}

/**
 * On an address of the loopback, or on a host far away. `path` is the PATH of its commands: with a Node, or
 * without the one of whoever runs the tests.
 */
export async function startSshd(
  folder: string,
  at: string | FarHost,
  key: ClientKey,
  path: string,
): Promise<Sshd> {
  const isFar = typeof at !== "string";
  const address = isFar ? at.address : at;
  const own = join(folder, `sshd-${address}`);
  const home = join(own, "home");
  mkdirSync(home, { recursive: true });
  mkdirSync("/run/sshd", { recursive: true });
  const { publicKey } = makeKey(own, "host-key");
  writeFileSync(join(own, "authorized"), key.publicKey);
  const port = isFar ? 22 : await freePort(address);
  const lines = [
    `HostKey ${join(own, "host-key")}`,
    `AuthorizedKeysFile ${join(own, "authorized")}`,
    `ListenAddress ${address}:${port}`,
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    `ForceCommand env HOME=${home} PATH=${path} sh -c "$SSH_ORIGINAL_COMMAND"`,
  ];
  writeFileSync(join(own, "config"), `${lines.join("\n")}\n`);
  const begin = async () => {
    const command = ["/usr/sbin/sshd", "-D", "-e", "-f", join(own, "config")];
    const [program, ...args] = isFar ? at.wrap(command) : command;
    const started = spawn(program!, args, { stdio: "ignore" });
    await sleep(300);
    return started;
  };
  let daemon = await begin();
  return {
    host: { address, port },
    home,
    knownHosts: `${isFar ? address : `[${address}]:${port}`} ${publicKey.split(" ").slice(0, 2).join(" ")}\n`,
    stop: () => void daemon.kill("SIGKILL"),
    start: async () => void (daemon = await begin()),
  };
}
