import { join } from "node:path";
import { textOf } from "#/base/body.ts";
import { within } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { SshConfig, SshHost } from "#/model/site-config.ts";
import type { SiteParts } from "../parts.ts";

const connectS = 10;
/** A connection on which nothing comes for three of these is dead. */
const aliveS = 5;
const wordsMax = 1000;
/** What ssh itself ends with when it is not the remote command that did. */
const sshExit = 255;
const refusals =
  /permission denied|host key verification failed|too many authentication failures|no such identity|bad permissions/i;

/** A host's own exit code, where a script ended with one. */
export class RemoteExit extends Error {
  readonly code: number;

  constructor(code: number, words: string) {
    super(words);
    this.code = code;
  }
}

/** The system's ssh, as its user has set it up: its configuration, jump hosts and agent hold here too. */
export class SshConnection {
  #parts: SiteParts;
  #options: Promise<string[]>;

  constructor(config: SshConfig, parts: SiteParts) {
    this.#parts = parts;
    this.#options = this.#prepare(config);
    this.#options.catch(() => {}); // whoever connects is told
  }

  /** Runs a script on the host, and gives what it prints. Throws what `Site` says, and RemoteExit. */
  async run(host: SshHost, script: string): Promise<string> {
    const command = await this.command(host, ["-T"], "exec sh -s");
    return this.#end(host, command, limits.sshAnswerMs, script);
  }

  /** Runs a command on the host with a file as its standard input. */
  async send(host: SshHost, path: string, remote: string): Promise<void> {
    const command = await this.command(host, ["-T"], remote);
    const fed = ["/bin/sh", "-c", 'exec "$@" <"$0"', path, ...command];
    await this.#end(host, fed, limits.sshCopyMs);
  }

  /** The command line that reaches a host. */
  async command(host: SshHost, more: readonly string[], remote?: string): Promise<string[]> {
    const { address, user, port } = host;
    return [
      "ssh",
      ...(await this.#options),
      ...(user === undefined ? [] : ["-l", user]),
      ...(port === undefined ? [] : ["-p", String(port)]),
      ...more,
      "--",
      address,
      ...(remote === undefined ? [] : [remote]),
    ];
  }

  async #prepare({ knownHosts }: SshConfig): Promise<string[]> {
    const { files, folder, secrets } = this.#parts;
    const always = ["BatchMode=yes", `ConnectTimeout=${connectS}`];
    const options = [...always, `ServerAliveInterval=${aliveS}`, "ServerAliveCountMax=3"];
    if (secrets.privateKey !== undefined) {
      const path = join(folder, "key");
      await files.write(path, `${secrets.privateKey.trim()}\n`, { mode: 0o600 });
      options.push("IdentitiesOnly=yes", `IdentityFile=${path}`);
    }
    if (knownHosts !== undefined) {
      const path = join(folder, "known-hosts");
      await files.write(path, `${knownHosts.trim()}\n`);
      options.push("StrictHostKeyChecking=yes", `UserKnownHostsFile=${path}`);
      options.push("GlobalKnownHostsFile=/dev/null");
    }
    return options.flatMap((option) => ["-o", option]);
  }

  async #end(host: SshHost, command: string[], timeMs: number, input?: string): Promise<string> {
    const { clock, processes, env } = this.#parts;
    const child = processes.spawn(command, { folder: "/", env: { ...env }, group: true });
    if (input !== undefined) child.stdin.write(input);
    child.stdin.end();
    const all = Promise.all([textOf(child.stdout), textOf(child.stderr), child.ended]);
    const done = await within(clock, timeMs, all);
    if (!done) {
      child.signal("SIGKILL");
      throw unavailable(host, `it did not answer within ${timeMs / 1000} s`);
    }
    const [printed, words, { code }] = done;
    if (code === 0) return printed;
    const said = words.trim().slice(-wordsMax) || `ssh ended with ${code ?? "a signal"}`;
    if (code !== undefined && code !== sshExit) throw new RemoteExit(code, said);
    if (!refusals.test(said)) throw unavailable(host, said);
    throw new CanopyError("forbidden", `Cannot reach ${host.address} by ssh: ${said}`, {
      hint: `Does this work on the control plane's computer? ssh ${host.address}`,
    });
  }
}

function unavailable({ address }: SshHost, words: string): CanopyError {
  return new CanopyError("unavailable", `Cannot reach ${address} by ssh: ${words}`);
}
