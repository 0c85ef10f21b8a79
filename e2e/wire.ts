import { execFileSync } from "node:child_process";

/**
 * A wire that this computer is on, and other machines: each a network namespace with an address of its own. Takes root.
 */
export class Wire {
  /** Of this computer. */
  readonly address: string;
  readonly #name = `cyw${process.pid.toString(36)}`;
  readonly #subnet = `10.${160 + ((process.pid >> 8) & 31)}.${process.pid & 255}`;
  #count = 0;

  constructor() {
    this.address = `${this.#subnet}.254`;
    ip("link", "add", this.#name, "type", "bridge");
    ip("addr", "add", `${this.address}/24`, "dev", this.#name);
    ip("link", "set", this.#name, "up");
  }

  /** One more machine: what runs a command there. */
  machine(): string[] {
    const number = ++this.#count;
    const name = `${this.#name}m${number}`;
    const port = `${this.#name}p${number}`;
    ip("netns", "add", name);
    ip("link", "add", port, "master", this.#name, "type", "veth", "peer", "eth0", "netns", name);
    ip("link", "set", port, "up");
    for (const link of ["lo", "eth0"]) ip("-n", name, "link", "set", link, "up");
    ip("-n", name, "addr", "add", `${this.#subnet}.${number}/24`, "dev", "eth0");
    ip("-n", name, "route", "add", "default", "via", this.address);
    return ["nsenter", `--net=/run/netns/${name}`];
  }

  remove(): void {
    for (let number = 1; number <= this.#count; number++)
      ip("netns", "del", `${this.#name}m${number}`);
    ip("link", "del", this.#name);
  }
}

const ip = (...args: string[]) =>
  void execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] });
