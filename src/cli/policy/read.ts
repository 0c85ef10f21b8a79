import { resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { AutonomicPolicyInput } from "#/model/policy-views.ts";
import type { Cli } from "../verb.ts";
import { policyOfFile } from "./file.ts";

/** The policy in a file. Throws "not-found", and what `policyOfFile` throws. */
export async function readPolicyFile(cli: Cli, file: string): Promise<AutonomicPolicyInput> {
  const { files, folder } = cli.terminal.world;
  const bytes = await files.read(resolve(folder, file));
  if (!bytes) throw new CanopyError("not-found", `Cannot read ${file} as there is no such file`);
  return policyOfFile(Buffer.from(bytes).toString(), file);
}
