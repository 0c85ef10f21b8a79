import type { Host } from "#/base/host.ts";

/** What networks of instances are made with. */
export interface NetworksParts extends Pick<
  Host,
  "clock" | "files" | "processes" | "sockets" | "network" | "log" | "random"
> {
  /** What is kept of them, and where their metadata services listen. */
  folder: string;
  /** This machine's, under which others reach ports of its instances. */
  address: string;
  /** Of this agent alone. */
  mark: string;
}
