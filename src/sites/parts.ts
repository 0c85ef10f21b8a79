import type { Host } from "#/base/host.ts";
import type { SiteSecrets } from "#/model/site-config.ts";

/** What a site is given beside its configuration. */
export interface SiteParts extends Pick<
  Host,
  "clock" | "random" | "files" | "network" | "processes" | "log"
> {
  /** The site's name. */
  name: string;
  /** Tells what is made for this cloud from what is made for another: `Access.cloudId`. */
  cloudId: string;
  /** The site's own, for what it must find again after a crash. */
  folder: string;
  secrets: SiteSecrets;
  program: AgentProgram;
}

/** The program that makes a machine of a computer. */
export interface AgentProgram {
  /** Starts it on this computer; its arguments follow. */
  readonly command: readonly string[];
  /** What it inherits of the environment: how to find programs, and no secrets. */
  readonly env: Readonly<Record<string, string>>;
}
