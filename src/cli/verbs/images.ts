import { Option } from "commander";
import { instanceKinds } from "#/model/instance-type.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .command("ls", { isDefault: true })
      .description("List images")
      .action(does(async (cli) => (await import("../images/look.ts")).list(cli)));
    command
      .command("show")
      .description("Show one, with its disks and files")
      .argument("<image>", "ami-…")
      .action(does(async (cli, id: string) => (await import("../images/look.ts")).show(cli, id)));
    command
      .command("import")
      .description("Make an image of a disk, of an archive of an OCI image, or of a kernel")
      .argument("<file>", "qcow2, raw, vmdk, vdi, vhdx, vpc, an OCI or Docker archive")
      .option("--name <name>", "unique in its project; the file's when absent")
      .option("--description <text>")
      .option("--kinds <list>", `as what it can run: of ${instanceKinds.join(", ")}`)
      .option("--kernel", "the file is a kernel that is all there is")
      .option(
        "--boot-kernel <file>",
        "a kernel to start the disk with, when it has none to be booted",
      )
      .option("--boot-initrd <file>", "what that kernel starts from")
      .option("--command-line <words>", "of the kernel")
      .action(
        does(async (cli, file: string) =>
          (await import("../images/import.ts")).importImage(cli, file),
        ),
      );
    command
      .command("create")
      .description("Make an image of what an instance holds: its volumes, or a container's files")
      .argument("<instance>", "its id, or its name; running or stopped")
      .requiredOption("--name <name>", "unique in its project")
      .option("--description <text>")
      .option(
        "--no-reboot",
        "let it go on while it is read: what it writes meanwhile may be half there",
      )
      .option("--no-wait", "do not wait until the image is available")
      .action(
        does(async (cli, word: string) =>
          (await import("../images/create.ts")).createImage(cli, word),
        ),
      );
    command
      .command("build")
      .description("Build an image: Debian by mmdebstrap, or what a Dockerfile says by buildah")
      .argument("<what>", "debian, or the folder of a Dockerfile")
      .option("-f, --file <file>", "the Dockerfile")
      .option("--name <name>", "unique in its project")
      .option("--description <text>")
      .option("--kinds <list>", "as what the image of a Dockerfile can run; container when absent")
      .option("--suite <name>", "of Debian; bookworm when absent")
      .option("--packages <list>", "of Debian, beside what makes it an instance")
      .option(
        "--mirror <address>",
        "of Debian, or a file of apt's sources; this computer's when absent",
      )
      .option("--size <size>", "of the disk; 2GiB when absent. Volumes may be larger")
      .addOption(
        new Option("--as <kind>", "as what Debian can run").choices(["system", "vm", "both"]),
      )
      .action(
        does(async (cli, what: string) =>
          (await import("../images/build.ts")).buildImage(cli, what),
        ),
      );
    command
      .command("rm")
      .description("Deregister an image; instances of it go on, and its data stays")
      .argument("<image>", "ami-…")
      .option("--yes", "do not ask")
      .action(does(async (cli, id: string) => (await import("../images/look.ts")).remove(cli, id)));
    command
      .command("orphans")
      .description("List data of deregistered images that nothing else names, or remove it")
      .argument("[image]", "ami-…, to remove its data; that of all when absent")
      .option("--remove", "end its snapshots, and free their bytes and those of its files")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, image?: string) =>
          (await import("../images/orphans.ts")).orphans(cli, image),
        ),
      );
  },
};
