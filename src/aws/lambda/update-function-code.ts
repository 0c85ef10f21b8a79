import type {
  UpdateFunctionCodeCommandInput,
  UpdateFunctionCodeCommandOutput,
} from "@aws-sdk/client-lambda";
import { requireRevision } from "#/functions/functions.ts";
import type { AwsOperation } from "../call.ts";
import { keptCode, triedCode } from "./code.ts";
import { architectureOf } from "./configuration.ts";
import { askOfFunction, latestOf, wholeFunctionIn } from "./function-in.ts";
import { configurationView } from "./view.ts";

export const updateFunctionCode: AwsOperation<
  UpdateFunctionCodeCommandInput,
  UpdateFunctionCodeCommandOutput
> = {
  asks: (input, context) => askOfFunction("UpdateFunctionCode", input, context),
  async run(input, context) {
    const { functions } = context.parts;
    const found = wholeFunctionIn(input, context);
    requireRevision(found.spec.latest.revisionId, input.RevisionId);
    const architecture = architectureOf(input.Architectures);
    const more = architecture && { architecture };
    if (input.DryRun) {
      const code = await triedCode(input, context);
      const tried = latestOf(found);
      const config = { ...tried.config, code, ...more };
      return configurationView(found, { ...tried, config }, undefined, context);
    }
    const code = await keptCode(input, context, found.project);
    const changed = functions.change(found, { code, ...more }, input.RevisionId);
    if (!input.Publish) return configurationView(changed, latestOf(changed), undefined, context);
    const { spec } = functions.publish(changed);
    return configurationView(changed, spec, spec.version, context);
  },
};
