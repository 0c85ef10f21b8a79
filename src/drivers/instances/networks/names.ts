import { createHash } from "node:crypto";

/**
 * Names of what the kernel is asked to make, from what it is made for: a later life of the agent finds it by them. Interfaces have
 * 15 characters at most.
 */
export class NetworkNames {
  /** What all interfaces in the machine's own namespace begin with. */
  readonly prefix: string;
  readonly table: string;
  #id: string;

  constructor(mark: string) {
    this.#id = hashOf(mark, 6);
    this.prefix = `cy${this.#id}`;
    this.table = `canopy_${this.#id}`;
  }

  /** The namespace of a VPC, or of an instance. */
  namespace(name: string): string {
    return `canopy-${this.#id}-${name}`;
  }

  /** Of a namespace; undefined for one of somebody else. */
  ofNamespace(namespace: string): string | undefined {
    const prefix = this.namespace("");
    return namespace.startsWith(prefix) ? namespace.slice(prefix.length) : undefined;
  }

  /** The machine's end of what leads to a VPC. */
  uplink(vpc: string): string {
    return `${this.prefix}${hashOf(vpc, 6)}`;
  }
}

/** In the namespace of its VPC: what leads to an instance. */
export const portOf = (instance: string) => `i${hashOf(instance, 12)}`;

/** Beside that, of a guest: what its QEMU opens, and the other end of the port, which is patched to it. */
export const tapOf = (instance: string) => `t${hashOf(instance, 12)}`;
export const wireOf = (instance: string) => `w${hashOf(instance, 12)}`;

/** In the namespace of a VPC: what leads to the machine, and to other machines. */
export const upPort = "up0";
export const acrossPort = "vx0";

export const namespaceFile = (namespace: string) => `/run/netns/${namespace}`;

const hashOf = (text: string, length: number) =>
  createHash("sha256").update(text).digest("hex").slice(0, length);
