import type { Command } from "commander";
import type { Does } from "../verb.ts";
import { instanceCalls } from "./find.ts";

export function defineCertificate(command: Command, does: Does): void {
  command
    .command("certificate")
    .description("The certificate by which identity documents of instances are checked, PEM")
    .action(
      does(async (cli) => {
        const value = await (await instanceCalls(cli)).identityCertificate();
        return { type: "text", value, text: () => value.certificate };
      }),
    );
}
