import type {
  PublishVersionCommandInput,
  PublishVersionCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { requireLength } from "./errors.ts";
import { askOfFunction, wholeFunctionIn } from "./function-in.ts";
import { configurationView } from "./view.ts";

/** A function that has not changed since its last version is published as that one. */
export const publishVersion: AwsOperation<PublishVersionCommandInput, PublishVersionCommandOutput> =
  {
    asks: (input, context) => askOfFunction("PublishVersion", input, context),
    run(input, context) {
      const found = wholeFunctionIn(input, context);
      requireLength("description", input.Description, 256);
      const { spec } = context.parts.functions.publish(found, {
        description: input.Description,
        codeSha256: input.CodeSha256,
        revisionId: input.RevisionId,
      });
      return configurationView(found, spec, spec.version, context);
    },
  };
