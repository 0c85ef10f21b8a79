import { ownDoor as doorOf } from "#/sdk/objects/own-door.ts";
import type { ObjectsDoor } from "#/sdk/objects/door.ts";
import type { Cli } from "../verb.ts";

/** The AWS services of the cloud of the context, as who asks. */
export async function ownDoor(
  cli: Cli,
  asked: { user?: string | undefined; isChecked?: boolean } = {},
): Promise<ObjectsDoor> {
  return doorOf(await cli.client(), cli.terminal.world, asked);
}
