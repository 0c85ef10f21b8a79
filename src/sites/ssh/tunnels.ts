import { createHash } from "node:crypto";
import { join } from "node:path";
import { within } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { SshHost } from "#/model/site-config.ts";
import type { SiteParts } from "../parts.ts";
import type { SshConnection } from "./connection.ts";

/** Carried by the processes of tunnels, with where they lead, so that the next control plane finds them. */
const mark = "CANOPY_TUNNEL";
const firstPort = 20_000;
const ports = 20_000;
/** A tunnel that cannot be opened says so within this. */
const openMs = 3_000;

/**
 * Lets hosts reach this cloud through the ssh connection that reaches them (`ssh -R`). A tunnel outlives
 * its control plane: its agents find the next one behind it.
 */
export class Tunnels {
  #connection: SshConnection;
  #parts: SiteParts;

  constructor(connection: SshConnection, parts: SiteParts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  /** Where an agent on the host reaches `url` from now on. Nothing new is opened when it is open already. */
  async open(host: SshHost, url: string): Promise<string> {
    const { processes, cloudId, name, folder, env } = this.#parts;
    const { hostname, port, protocol } = new URL(url);
    const target = `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
    const own = `${cloudId}/${name}/${host.address}`;
    const remotePort =
      firstPort + (createHash("sha256").update(own).digest().readUInt32BE() % ports);
    const there = `${protocol}//127.0.0.1:${remotePort}`;
    if (processes.marked(mark, `${own} ${target}`).length > 0) return there;
    this.close(host);
    const forward = ["-N", "-R", `127.0.0.1:${remotePort}:${target}`];
    const strict = ["-o", "ExitOnForwardFailure=yes"];
    const command = await this.#connection.command(host, [...strict, ...forward]);
    const log = join(folder, "tunnels.log");
    const tunnel = processes.spawn(command, {
      folder: "/",
      env: { ...env, [mark]: `${own} ${target}`, [`${mark}_HOST`]: own },
      detachedLog: log,
    });
    const ended = await within(this.#parts.clock, openMs, tunnel.ended);
    if (!ended) return there;
    const content = Buffer.from((await this.#parts.files.read(log)) ?? []).toString();
    const words = content.trim().split("\n").at(-1) ?? "";
    throw new CanopyError(
      "unavailable",
      `Cannot open a tunnel from ${host.address} to ${target}: ${words}`,
    );
  }

  close(host: SshHost): void {
    const { processes, cloudId, name } = this.#parts;
    const own = `${cloudId}/${name}/${host.address}`;
    for (const pid of processes.marked(`${mark}_HOST`, own)) processes.kill(pid, "SIGTERM");
  }
}
