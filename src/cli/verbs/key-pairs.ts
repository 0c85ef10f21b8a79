import { resolve } from "node:path";
import { Option } from "commander";
import { CanopyError } from "#/base/errors.ts";
import type { KeyPairView } from "#/model/instance-views.ts";
import { allOf } from "#/sdk/client.ts";
import { InstanceCalls } from "#/sdk/instances.ts";
import { confirm } from "../confirm.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Verb } from "../verb.ts";
import { agoOf } from "../words.ts";

const callsOf = async (cli: Cli) => new InstanceCalls((await cli.client()).http);

/** Only who it belongs to may read it: ssh takes no other. */
const privateMode = 0o600;

export const verb: Verb = {
  define(command, does) {
    command
      .command("ls", { isDefault: true })
      .alias("list")
      .description("List key pairs")
      .action(does((cli) => list(cli)));
    command
      .command("create")
      .description("Make a key pair; its private half is given once")
      .argument("<name>")
      .addOption(new Option("--type <type>", "ed25519 when absent").choices(["ed25519", "rsa"]))
      .option("--into <file>", "where its private half goes; printed when absent")
      .action(does((cli, name: string) => create(cli, name)));
    command
      .command("import")
      .description("Take a public key that you have")
      .argument("<name>")
      .argument("<file>", "as in ~/.ssh/id_ed25519.pub")
      .action(
        does(async (cli, name: string, file: string) => {
          const { files, folder } = cli.terminal.world;
          const content = await files.read(resolve(folder, file));
          if (!content)
            throw new CanopyError(
              "not-found",
              `Cannot read the public key as there is no file '${file}'`,
            );
          const publicKey = Buffer.from(content).toString();
          const value = await (await callsOf(cli)).createKeyPair({ name, publicKey });
          return { type: "done", value, message: `${name} is ${value.fingerprint}` };
        }),
      );
    command
      .command("rm")
      .alias("delete")
      .description("Delete a key pair; instances that have it keep it")
      .argument("<name>")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, name: string) => {
          const isSure = cli.options["yes"] === true;
          await confirm(cli.terminal, `delete the key pair ${name}`, name, isSure);
          await (await callsOf(cli)).removeKeyPair(name);
          return { type: "done", value: { name, deleted: true }, message: `${name} is deleted` };
        }),
      );
  },
};

async function create(cli: Cli, name: string): Promise<Result> {
  const { type, into } = cli.options as { type?: KeyPairView["type"]; into?: string };
  const made = await (await callsOf(cli)).createKeyPair({ name, ...(type && { type }) });
  const { privateKey = "", ...view } = made;
  if (into === undefined) return { type: "text", value: made, text: () => privateKey };
  const { files, folder } = cli.terminal.world;
  await files.write(resolve(folder, into), privateKey, { mode: privateMode });
  return {
    type: "done",
    value: { ...view, file: into },
    message: `${name} is made; its private half is in ${into}. Use it: canopy instances run IMAGE --key ${name} --port 22`,
  };
}

async function list(cli: Cli): Promise<Result> {
  const calls = await callsOf(cli);
  const rows = await Array.fromAsync(allOf((page) => calls.keyPairs(page)));
  const nowMs = cli.terminal.world.clock.now();
  return {
    type: "table",
    rows,
    columns: [
      column<KeyPairView>("key pair", ({ name }) => name, { flexible: true }),
      column<KeyPairView>("type", ({ type }) => type),
      column<KeyPairView>("fingerprint", ({ fingerprint }) => fingerprint, { flexible: true }),
      column<KeyPairView>("made", ({ createdAt }) => agoOf(createdAt, nowMs), { align: "right" }),
    ],
    empty: "No key pairs. Make one with: canopy key-pairs create NAME --into FILE",
  };
}
