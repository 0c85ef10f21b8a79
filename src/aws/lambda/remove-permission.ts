import type {
  RemovePermissionCommandInput,
  RemovePermissionCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { notFound } from "./errors.ts";
import { askOfFunction } from "./function-in.ts";
import { policyOf, policyPlace, policyText } from "./policy.ts";

export const removePermission: AwsOperation<
  RemovePermissionCommandInput,
  RemovePermissionCommandOutput
> = {
  asks: (input, context) => askOfFunction("RemovePermission", input, context),
  run(input, context) {
    const { found, qualifier } = policyPlace(input, context);
    const { StatementId = "", RevisionId } = input;
    const remove = (text: string | undefined) => {
      if (text === undefined) throw notFound("No policy is associated with the given resource.");
      const policy = policyOf(text);
      const left = policy.Statement.filter(({ Sid }) => Sid !== StatementId);
      if (left.length === policy.Statement.length)
        throw notFound(`Statement ${StatementId.slice(0, 100)} is not found in resource policy.`);
      return policyText({ ...policy, Statement: left });
    };
    context.parts.functions.changePolicy(found, qualifier, remove, RevisionId);
    return {};
  },
};
