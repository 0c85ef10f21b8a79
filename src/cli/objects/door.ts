import { findForeignDoor } from "#/sdk/objects/door.ts";
import { ObjectsClient } from "#/sdk/objects/store.ts";
import type { Cli } from "../verb.ts";
import { ownDoor } from "./own-key.ts";

/** What commands that speak to an object store may be told of it. */
interface DoorOptions {
  endpoint?: string;
  profile?: string;
  region?: string;
}

/**
 * The store that the options name; without any, that of the cloud which CANOPY_… name; else what AWS's variables name, and at last
 * that of the cloud of the context.
 */
export async function objectsClient(cli: Cli): Promise<ObjectsClient> {
  const { world } = cli.terminal;
  const { context, project } = cli.options;
  const wish = {
    ...(cli.options as DoorOptions),
    ...(context !== undefined && { context }),
    ...(project !== undefined && { project }),
  };
  return new ObjectsClient((await findForeignDoor(world, wish)) ?? (await ownDoor(cli)), world);
}
