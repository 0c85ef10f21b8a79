import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { CanopyError, messageOf } from "../../errors.ts";

/** Where a PostgreSQL database is, and what of it is Canopy's. */
export interface PostgresAddress {
  /** One server, or a primary and its standbys in any order. A host that begins with '/' is the folder of a socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: false | ConnectionOptions;
  /** The schema that holds all of Canopy's tables. */
  readonly schema: string;
  /** The name of the cell that the tables must belong to. */
  readonly cell: string;
  /** For messages: without the password. */
  readonly shown: string;
}

const defaultPort = 5432;
const form = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?@]*)(?:\/([^?]*))?(?:\?(.*))?$/;
const parameters = "schema cell host sslmode sslrootcert target_session_attrs".split(" ");
const tlsModes = ["disable", "require", "verify-full"];

/**
 * Reads `postgres://user:password@host:port,host:port/database?parameter=value`. The parameters are
 * `schema` (default "canopy"), `cell` (default "main": refused when the tables are another cell's), `host`
 * (a folder with a socket), `sslmode` (disable, require, verify-full; default disable), `sslrootcert` (a file),
 * and `target_session_attrs`, which may only say what is done anyway: the server that takes writes is found.
 * Throws CanopyError "invalid".
 */
export function parsePostgresAddress(text: string): PostgresAddress {
  const shown = text.replace(/^(\w+:\/\/[^:@/?]*):[^@/?]*@/, "$1@");
  const invalid = (rule: string) =>
    new CanopyError(
      "invalid",
      `Cannot use a PostgreSQL address as ${rule}: current value is '${shown}'`,
      {
        hint: "Write it as postgres://user:password@host:5432/database",
      },
    );
  const match = form.exec(text);
  if (!match) throw invalid("it must be postgres://user:password@host:port/database");
  const [, who = "", where = "", database = "", query = ""] = match;
  const given = new URLSearchParams(query);
  for (const name of given.keys())
    if (!parameters.includes(name))
      throw invalid(`its parameters must be of ${parameters.join(", ")}`);
  const wanted = given.get("target_session_attrs") ?? "read-write";
  if (!["read-write", "primary", "any"].includes(wanted))
    throw invalid("'target_session_attrs' must be read-write");
  const mode = given.get("sslmode") ?? "disable";
  if (!tlsModes.includes(mode)) throw invalid(`'sslmode' must be one of ${tlsModes.join(", ")}`);
  const named = (name: string, fallback: string) => {
    const value = given.get(name) ?? fallback;
    if (!/^[a-z_][a-z0-9_-]{0,47}$/.test(value))
      throw invalid(`'${name}' must be up to 48 of a-z, 0-9, '_' and '-', and begin with a letter`);
    return value;
  };
  const hosts = (given.get("host") ?? where).split(",").map((part) => hostOf(part));
  if (hosts.some(({ port }) => !(Number.isInteger(port) && port > 0 && port < 65_536)))
    throw invalid("a port must be 1 to 65535");
  const [user, password] = who.split(/:(.*)/s, 2).map(decodeURIComponent);
  return {
    hosts,
    user: user || undefined,
    password: password || undefined,
    database: decodeURIComponent(database) || user || "postgres",
    tls: mode === "disable" ? false : tlsOf(mode, given.get("sslrootcert") ?? undefined),
    schema: named("schema", "canopy"),
    cell: named("cell", "main"),
    shown,
  };
}

function hostOf(part: string): { host: string; port: number } {
  if (part.startsWith("/")) return { host: part, port: defaultPort };
  const [, host = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(part) ?? [];
  return {
    host: decodeURIComponent(host.replace(/^\[(.*)\]$/, "$1")) || "127.0.0.1",
    port: port === undefined ? defaultPort : Number(port),
  };
}

function tlsOf(mode: string, rootFile: string | undefined): ConnectionOptions {
  if (mode === "require" && rootFile === undefined) return { rejectUnauthorized: false };
  if (rootFile === undefined) return {};
  try {
    return { ca: readFileSync(rootFile, "utf8") };
  } catch (thrown) {
    throw new CanopyError(
      "invalid",
      `Cannot read 'sslrootcert' of the PostgreSQL address: ${messageOf(thrown)}`,
    );
  }
}
