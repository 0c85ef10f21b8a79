import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { ImageCalls } from "#/sdk/images/image-calls.ts";
import { instanceCalls, instanceNamed } from "../instances/find.ts";
import type { Cli, Done } from "../verb.ts";
import { told } from "./import.ts";

interface CreateOptions {
  name: string;
  description?: string;
  /** False for --no-reboot and --no-wait. */
  reboot: boolean;
  wait: boolean;
}

const lookEveryMs = 500;

/** Makes an image of an instance, and waits until its machine has kept what is in it. Throws "unavailable" where it cannot. */
export async function createImage(cli: Cli, word: string): Promise<Done> {
  const { name, description, reboot, wait } = cli.options as unknown as CreateOptions;
  const instance = await instanceNamed(await instanceCalls(cli), word);
  const calls = new ImageCalls((await cli.client()).http);
  const said = { name, ...(description !== undefined && { description }), noReboot: !reboot };
  let image = await calls.createOf(instance, said);
  while (wait && image.state === "pending") {
    await sleep(cli.terminal.world.clock, lookEveryMs);
    image = await calls.read(image.id);
  }
  if (image.state === "failed")
    throw new CanopyError("unavailable", `Cannot make ${image.id}: ${image.reason}`, {
      hint: `canopy images rm ${image.id}, then try again`,
    });
  return told(image);
}
