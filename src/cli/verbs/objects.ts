import { Option, type Command } from "commander";
import { durationOption, parseCount } from "../count.ts";
import { progressOption } from "../progress-mode.ts";
import type { Verb } from "../verb.ts";
import { many } from "../words.ts";

const defaultListed = 1000;

/** Objects are spoken of as s3://bucket/key; the bucket alone is meant by s3://bucket. */
export const verb: Verb = {
  define(command, does) {
    command.addHelpText(
      "after",
      "\nAn object is named like s3://bucket/key. They are those of the cloud of the context; those of another store with\n" +
        "--endpoint or --profile, or with AWS_ENDPOINT_URL where neither --project, --context nor CANOPY_URL, CANOPY_KEY,\n" +
        "CANOPY_PROJECT or CANOPY_CONTEXT names a cloud; its keys are those of the environment or of the profile.",
    );
    door(command.command("ls"))
      .description("List buckets, or what is in one")
      .argument("[name]", "s3://bucket or s3://bucket/prefix")
      .option("-r, --recursive", "all below it, not as folders")
      .option("--limit <count>", "at most so many", parseCount, defaultListed)
      .action(
        does(async (cli, name?: string) => (await import("../objects/ls.ts")).list(cli, name)),
      );
    for (const word of ["cp", "mv"] as const) {
      transfer(door(command.command(word)))
        .description(
          word === "cp"
            ? "Copy files to objects, objects to files, or objects to objects"
            : "The same, and remove what was copied",
        )
        .argument("<from>", "a file, s3://bucket/key, or - for the input")
        .argument("<to>", "a file, s3://bucket/key, or - for the output")
        .option("-r, --recursive", "all that is in a folder, or below a prefix")
        .option("--content-type <type>", "of the objects; told by their names when absent")
        .action(
          does(async (cli, from: string, to: string) =>
            (await import("../objects/cp.ts")).copy(cli, from, to, word === "mv"),
          ),
        );
    }
    transfer(door(command.command("sync")))
      .description(
        "Make one side like the other: what is new, has another size, or is newer, is copied",
      )
      .argument("<from>", "a folder, or s3://bucket/prefix")
      .argument("<to>", "a folder, or s3://bucket/prefix")
      .option("--delete", "remove what is on the other side only")
      .option("--yes", "do not ask before --delete removes")
      .option("--dry-run", "print what would be done, and do nothing")
      .option("--size-only", "what has the same size is the same")
      .option("--exclude <glob>", "leave out these paths; may be given several times", many)
      .action(
        does(async (cli, from: string, to: string) =>
          (await import("../objects/sync.ts")).sync(cli, from, to),
        ),
      );
    door(command.command("rm"))
      .description("Remove an object, or all whose names begin so")
      .argument("<name>", "s3://bucket/key")
      .option("-r, --recursive", "all objects whose names begin so")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, name: string) => (await import("../objects/rm.ts")).remove(cli, name)),
      );
    opening(door(command.command("cat")))
      .description("Write objects to the output")
      .argument("<names...>", "s3://bucket/key")
      .option("--range <bytes>", "only these, as in 100-199 or 100-")
      .action(
        does(async (cli, names: string[]) => (await import("../objects/read.ts")).cat(cli, names)),
      );
    door(command.command("presign"))
      .description("Print an address that lets whoever has it make one call, until it expires")
      .argument("<name>", "s3://bucket/key")
      .addOption(
        new Option("--expires <duration>", "good for this long, up to 7d")
          .argParser(durationOption)
          .default(3_600_000, "1h"),
      )
      .addOption(
        new Option("--method <method>", "the call")
          .choices(["GET", "PUT", "HEAD", "DELETE"])
          .default("GET"),
      )
      .action(
        does(async (cli, name: string) => (await import("../objects/read.ts")).presign(cli, name)),
      );
    door(command.command("mount"))
      .description("Mount a bucket as a folder, by rclone or s3fs")
      .argument("<name>", "s3://bucket or s3://bucket/prefix")
      .argument("<folder>")
      .option("--foreground", "until Ctrl-C, not in the background")
      .option("--read-only", "so that nothing can be written")
      .addOption(
        new Option("--with <program>", "the one that is here when absent").choices([
          "rclone",
          "s3fs",
        ]),
      )
      .action(
        does(async (cli, name: string, folder: string) =>
          (await import("../objects/mount.ts")).mount(cli, name, folder),
        ),
      );
    archive(door(command.command("export")))
      .description(
        "Let machines bring objects to a folder or a bucket, with a signed manifest of them",
      )
      .argument("<from>", "s3://bucket or s3://bucket/prefix")
      .argument("<to>", "a folder that the machines have, or s3://bucket/prefix")
      .action(
        does(async (cli, from: string, to: string) =>
          (await import("../objects/archive/export.ts")).exportObjects(cli, from, to),
        ),
      );
    archive(door(command.command("import")))
      .description("Bring back what was exported, once its manifest's signature is checked")
      .argument("<from>", "the folder, or s3://bucket/prefix")
      .argument("<to>", "s3://bucket or s3://bucket/prefix")
      .option(
        "--trust <key>",
        "a public key beside your own, or its file; may be given several times",
        many,
      )
      .action(
        does(async (cli, from: string, to: string) =>
          (await import("../objects/archive/import.ts")).importObjects(cli, from, to),
        ),
      );
    command
      .command("unmount")
      .description("Unmount a folder")
      .argument("<folder>")
      .action(
        does(async (cli, folder: string) =>
          (await import("../objects/mount.ts")).unmount(cli, folder),
        ),
      );
    command
      .command("keygen")
      .description("Make a key that objects are sealed with before they leave this computer")
      .argument("<file>")
      .option("--passphrase", "seal the file with a passphrase, of CANOPY_PASSPHRASE or asked for")
      .action(
        does(async (cli, file: string) => (await import("../objects/keygen.ts")).keygen(cli, file)),
      );
  },
};

/** Which store, and as whom. */
function door(command: Command): Command {
  return command
    .option("--endpoint <url>", "the store; that of the cloud when absent")
    .option("--profile <name>", "address and keys from ~/.aws")
    .option("--region <name>", "the region that calls are signed for");
}

/** Which machines do it. */
function archive(command: Command): Command {
  return command
    .option(
      "--label <name=value>",
      "only on machines with this label; may be given several times",
      many,
    )
    .addOption(progressOption());
}

function opening(command: Command): Command {
  return command
    .option("--decrypt <keyfile>", "open sealed objects with this key; refuse what is not sealed")
    .option("--passphrase", "open them with a passphrase, of CANOPY_PASSPHRASE or asked for")
    .option("--any-name", "open also what was sealed under another name")
    .option("--raw", "leave sealed objects sealed");
}

function transfer(command: Command): Command {
  return opening(command)
    .option("--encrypt <keyfile>", "seal objects with this key before they leave")
    .option("--parallel <count>", "parts of one object that are under way at once", parseCount)
    .addOption(progressOption());
}
