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
  /** The environment of programs that the site starts: with the ssh agent of the control plane's user, if any. */
  env: Readonly<Record<string, string>>;
  program: AgentProgram;
}

/** Where a machine joins: as the site is told, else as the order is. */
export function urlsFor(config: { joinUrl?: string | undefined }, urls: readonly string[]) {
  return config.joinUrl === undefined ? urls : [config.joinUrl];
}

/** The program that makes a machine of a computer. */
export interface AgentProgram {
  /** Starts it on this computer; its arguments follow. */
  readonly command: readonly string[];
  /** What it inherits of the environment: how to find programs, and no secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** What a computer needs that has nothing of it. */
  files(): Promise<AgentFiles>;
}

/** The agent for elsewhere. */
export interface AgentFiles {
  /** Differs when the agent does. */
  readonly digest: string;
  /** A tar.gz of `agent.js` and what it loads. */
  readonly agentPath: string;
  /** A gzip of the Node that runs it, for computers of this kind that have none: "linux", "x64". */
  readonly nodePath: string;
  readonly nodeVersion: string;
  readonly os: string;
  readonly arch: string;
}
