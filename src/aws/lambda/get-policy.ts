import type { GetPolicyCommandInput, GetPolicyCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { notFound } from "./errors.ts";
import { askOfFunction } from "./function-in.ts";
import { policyPlace } from "./policy.ts";

export const getPolicy: AwsOperation<GetPolicyCommandInput, GetPolicyCommandOutput> = {
  asks: (input, context) => askOfFunction("GetPolicy", input, context),
  run(input, context) {
    const { found, qualifier } = policyPlace(input, context);
    const policy = found.spec.policies?.[qualifier];
    if (policy === undefined) throw notFound("The resource you requested does not exist.");
    const { functions } = context.parts;
    return { Policy: policy, RevisionId: functions.policyRevision(found, qualifier) };
  },
};
