import { CanopyError } from "#/base/errors.ts";
import { allOf } from "#/sdk/client.ts";
import { ImageCalls } from "#/sdk/images/image-calls.ts";
import type { Cli } from "../verb.ts";

/** Asked before minutes of work, not after them. Throws CanopyError "conflict" for a name that an image of the project has. */
export async function requireFreeNames(cli: Cli, names: readonly string[]): Promise<void> {
  const calls = new ImageCalls((await cli.client()).http);
  for await (const { id, name } of allOf((page) => calls.list(page)))
    if (names.includes(name))
      throw new CanopyError(
        "conflict",
        `Cannot make image '${name}' as AMI name ${name} is already in use by AMI ${id}`,
        { hint: `Give another --name, or: canopy images rm ${id}` },
      );
}
