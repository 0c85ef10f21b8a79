import type {
  GetConsoleOutputCommandInput,
  GetConsoleOutputCommandOutput,
} from "@aws-sdk/client-ec2";
import { CanopyError } from "#/base/errors.ts";
import type { AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";

/** The last of what it printed; nothing of one that does not run. */
export const getConsoleOutput: AwsOperation<
  GetConsoleOutputCommandInput,
  GetConsoleOutputCommandOutput
> = {
  asks: ({ InstanceId = "" }, context) => askOf("GetConsoleOutput", [InstanceId], context),
  async run({ InstanceId = "" }, { parts, caller }) {
    const [record] = parts.instances.find(caller.project, [InstanceId]);
    const { machine, fence } = record!.status;
    const question = { type: "console" as const, instance: InstanceId, fence };
    const Timestamp = new Date(parts.clock.now());
    if (machine === undefined) return { InstanceId, Timestamp };
    const content = await parts.hosting.ask(machine, question).catch((thrown: unknown) => {
      if (thrown instanceof CanopyError && thrown.code === "not-found") return undefined;
      throw thrown;
    });
    return { InstanceId, Timestamp, ...(content && { Output: content.toString("base64") }) };
  },
};
