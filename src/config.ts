import { homedir } from "node:os";
import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";

/** What the environment says, read once at the door. Flags go before it, defaults after. */
export interface Config {
  /** Where `canopy up` keeps everything. */
  dataFolder: string;
  host: string;
  port: number;
  /** Of the AWS services; the one after `port` when absent. */
  awsPort: number | undefined;
  joinToken: string | undefined;
  /** Where `canopy up` keeps its log, when several control planes share it. */
  logUrl: string | undefined;
  /** Where the bytes of large objects are, when not in the data folder. */
  objectsUrl: string | undefined;
  logLevel: string;
}

const defaultPort = 8420;

/** Throws "invalid" when a variable has a value that cannot be meant. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const home = env["HOME"] ?? homedir();
  return Object.freeze({
    dataFolder:
      env["CANOPY_DATA"] ?? join(env["XDG_DATA_HOME"] ?? join(home, ".local", "share"), "canopy"),
    host: env["CANOPY_HOST"] ?? "127.0.0.1",
    port: portOf(env, "CANOPY_PORT") ?? defaultPort,
    awsPort: portOf(env, "CANOPY_AWS_PORT"),
    joinToken: env["CANOPY_JOIN_TOKEN"],
    logUrl: env["CANOPY_LOG_URL"] || undefined,
    objectsUrl: env["CANOPY_OBJECTS"] || undefined,
    logLevel: env["CANOPY_LOG"] ?? "warn",
  });
}

function portOf(env: Record<string, string | undefined>, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new CanopyError(
    "invalid",
    `Cannot start as ${name} must be 0 to 65535: current value is '${text}'`,
  );
}
