import { resolve } from "node:path";
import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Cli, Done } from "../verb.ts";
import { instanceCalls, instanceNamed } from "./find.ts";

const everyMs = 1000;

/** Prints what the instance printed; with --follow what it prints from then on, until it is gone. */
export async function printConsole(cli: Cli, word: string): Promise<Done> {
  const calls = await instanceCalls(cli);
  const id = await instanceNamed(calls, word);
  const { follow = false } = cli.options as { follow?: boolean };
  const { out, world } = cli.terminal;
  let known = await calls.console(id);
  if (cli.options.json !== undefined && !follow)
    return { type: "text", value: { instance: id, console: known }, text: () => known };
  out.write(known);
  while (follow) {
    await sleep(world.clock, everyMs);
    const now = await calls.console(id).catch((thrown: unknown) => {
      if (thrown instanceof CanopyError && ["not-found", "conflict"].includes(thrown.code))
        return undefined;
      throw thrown;
    });
    if (now === undefined) return;
    out.write(newOf(known, now));
    known = now;
  }
}

/** What of `now` comes after `before`: both are the ends of one text, which may have lost its beginning since. */
export function newOf(before: string, now: string): string {
  if (now.startsWith(before)) return now.slice(before.length);
  for (let from = Math.max(1, before.length - now.length); from < before.length; from++)
    if (now.startsWith(before.slice(from))) return now.slice(before.length - from);
  return now;
}

/** Writes what its display shows into a file. */
export async function saveScreenshot(cli: Cli, word: string, file: string): Promise<Done> {
  const calls = await instanceCalls(cli);
  const id = await instanceNamed(calls, word);
  const picture = await calls.screenshot(id);
  const { world } = cli.terminal;
  await world.files.write(resolve(world.folder, file), picture);
  return {
    type: "done",
    value: { instance: id, file, sizeBytes: picture.length },
    message: `The display of ${id} is in ${file}`,
  };
}
