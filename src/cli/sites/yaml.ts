import { resolve } from "node:path";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Cli } from "../verb.ts";

/** The object that a YAML file holds. Throws CanopyError "not-found", and "invalid" for what is none. */
export async function readYaml({ terminal }: Cli, file: string): Promise<object> {
  const { files, folder } = terminal.world;
  const content = await files.read(resolve(folder, file));
  if (!content) throw new CanopyError("not-found", `Cannot read ${file} as there is no such file`);
  const { parse } = await import("yaml");
  let value: unknown;
  try {
    value = parse(Buffer.from(content).toString("utf8"));
  } catch (thrown) {
    throw new CanopyError("invalid", `Cannot read ${file}: ${messageOf(thrown)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new CanopyError("invalid", `Cannot read ${file} as it must hold one YAML object`);
}
