import { writeProfile } from "../aws/configure.ts";
import { ownDoor } from "../objects/own-key.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .command("env", { isDefault: true })
      .description("Print what a shell needs for AWS's tools to speak to this cloud")
      .option("--user <name>", "as this user of the project; as its account when absent")
      .addHelpText(
        "after",
        '\nFor example:\n  eval "$(canopy aws env)" && aws --endpoint-url "$AWS_ENDPOINT_URL" s3 ls\n\nawscli 2.13 and newer, and botocore 1.31, need no --endpoint-url; older ones would ask the real AWS without it.',
      )
      .action(
        does(async (cli) => {
          const door = await ownDoor(cli, { user: userOf(cli.options), isChecked: true });
          const { accessKeyId, secretAccessKey } = door.credentials!;
          const value = {
            AWS_ENDPOINT_URL: door.endpoint,
            AWS_REGION: door.region,
            AWS_DEFAULT_REGION: door.region,
            AWS_ACCESS_KEY_ID: accessKeyId,
            AWS_SECRET_ACCESS_KEY: secretAccessKey,
          };
          const lines = Object.entries(value).map(([name, one]) => `export ${name}='${one}'\n`);
          return {
            type: "text",
            value,
            text: () => `${lines.join("")}unset AWS_SESSION_TOKEN AWS_PROFILE\n`,
          };
        }),
      );
    command
      .command("configure")
      .description("Write a profile for AWS's tools into ~/.aws")
      .option("--profile <name>", "the profile's name", "canopy")
      .option("--user <name>", "as this user of the project; as its account when absent")
      .action(
        does(async (cli) => {
          const { profile } = cli.options as { profile: string };
          const door = await ownDoor(cli, { user: userOf(cli.options), isChecked: true });
          const files = await writeProfile(cli.terminal.world, profile, door);
          return {
            type: "done",
            value: { profile, files, endpoint: door.endpoint },
            message: `The profile '${profile}' is in ${files.join(" and ")}. Try: aws --profile ${profile} --endpoint-url ${door.endpoint} s3 ls\n(awscli 2.13 and newer, and botocore 1.31, find the endpoint in the profile; older ones would ask the real AWS without --endpoint-url)`,
          };
        }),
      );
  },
};

const userOf = (options: object) => (options as { user?: string }).user;
