import type { Command } from "commander";
import type { SavingView } from "#/model/instance-views.ts";
import { column } from "../result.ts";
import type { Does } from "../verb.ts";
import { instanceCalls } from "./find.ts";

export function defineSavings(command: Command, does: Does): void {
  command
    .command("savings")
    .description(
      "What costs money and serves nobody: volumes, snapshots, data of images, instances and requests",
    )
    .action(
      does(async (cli) => {
        const { items } = await (await instanceCalls(cli)).savings();
        return {
          type: "table",
          rows: items,
          columns: [
            column<SavingView>("what", ({ subject }) => subject),
            column<SavingView>("per month", ({ perMonth }) => perMonth, { align: "right" }),
            column<SavingView>("why", ({ sentence }) => sentence, { flexible: true }),
            column<SavingView>("advice", ({ advice }) => advice, { flexible: true }),
          ],
          empty: "Nothing that could be saved.",
        };
      }),
    );
}
