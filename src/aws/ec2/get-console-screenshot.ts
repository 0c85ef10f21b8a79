import type {
  GetConsoleScreenshotCommandInput,
  GetConsoleScreenshotCommandOutput,
} from "@aws-sdk/client-ec2";
import { CanopyError } from "#/base/errors.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";
import { ownOne } from "./own.ts";

/** A picture of its display, PNG. Throws "IncorrectInstanceState" for one that does not run, "UnsupportedOperation" without a display. */
export const getConsoleScreenshot: AwsOperation<
  GetConsoleScreenshotCommandInput,
  GetConsoleScreenshotCommandOutput
> = {
  asks: ({ InstanceId = "" }, context) => askOf("GetConsoleScreenshot", [InstanceId], context),
  async run({ InstanceId }, context) {
    const { name, status } = ownOne("instance", InstanceId, context);
    const { machine, fence, state } = status;
    if (machine === undefined || state !== "running")
      throw new AwsError(
        "IncorrectInstanceState",
        400,
        `The instance '${name}' is not in the 'running' state: it is ${state}.`,
      );
    const question = { type: "screenshot" as const, instance: name, fence };
    const content = await context.parts.hosting.ask(machine, question).catch((thrown: unknown) => {
      if (thrown instanceof CanopyError && thrown.code === "not-found")
        throw new AwsError("UnsupportedOperation", 400, thrown.message);
      throw thrown;
    });
    return { InstanceId: name, ImageData: content.toString("base64") };
  },
};
