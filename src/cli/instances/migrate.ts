import type { Command } from "commander";
import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { InstanceView } from "#/model/instance-views.ts";
import type { Result } from "../result.ts";
import type { Cli, Does } from "../verb.ts";
import { instanceCalls, instanceNamed } from "./find.ts";

const everyMs = 300;
/** The machine that it has left says for how long it stood still, as a rule after the other one has said that it runs. */
const pauseWaitMs = 10_000;

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
  const { clock } = cli.terminal.world;
  const look = async () => {
    await sleep(clock, everyMs);
    instance = await calls.read(instance.id);
  };
  while (wait !== false && instance.move?.migration === migration) await look();
  const untilMs = clock.monotonicMs() + pauseWaitMs;
  while (lacksPause(instance, migration) && clock.monotonicMs() < untilMs) await look();
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

const lacksPause = ({ moved }: InstanceView, migration: string) =>
  moved?.migration === migration && moved.pauseMs === undefined;
