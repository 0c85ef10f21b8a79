import type { Command } from "commander";
import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Result } from "../result.ts";
import type { Cli, Does } from "../verb.ts";
import { instanceCalls, instanceNamed } from "./find.ts";

const everyMs = 300;

export function defineMigrate(command: Command, does: Does): void {
  command
    .command("migrate")
    .description("Move a VM to another machine while it runs, and say for how long it stood still")
    .argument("<instance>", "its id, or its name")
    .option("--to <machine>", "to this machine; to the one with the most room else")
    .option("--no-wait", "do not wait until it is there")
    .action(does((cli, word: string) => migrate(cli, word)));
}

async function migrate(cli: Cli, word: string): Promise<Result> {
  const calls = await instanceCalls(cli);
  const { to, wait } = cli.options as { to?: string; wait?: boolean };
  let instance = await calls.migrate(await instanceNamed(calls, word), to);
  const { migration, to: aim } = instance.move!;
  while (wait !== false && instance.move?.migration === migration) {
    await sleep(cli.terminal.world.clock, everyMs);
    instance = await calls.read(instance.id);
  }
  const { id, machine, moved, stayed } = instance;
  if (stayed?.migration === migration)
    throw new CanopyError("conflict", `Cannot move ${id} to ${aim}: ${stayed.reason}`, {
      hint: `It goes on on ${machine}: canopy why ${id}`,
    });
  const pause =
    moved?.migration === migration && moved.pauseMs !== undefined
      ? `; it stood still for ${Math.round(moved.pauseMs)} ms`
      : "";
  const message = wait === false ? `${id} goes to ${aim}` : `${id} runs on ${machine}${pause}`;
  return { type: "done", value: instance, message };
}
