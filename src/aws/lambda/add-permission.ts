import type { AddPermissionCommandInput, AddPermissionCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { lambdaError, requireLength, requirePattern } from "./errors.ts";
import { askOfFunction } from "./function-in.ts";
import { policyOf, policyPlace, policyText, statementOf } from "./policy.ts";

export const addPermission: AwsOperation<AddPermissionCommandInput, AddPermissionCommandOutput> = {
  asks: (input, context) => askOfFunction("AddPermission", input, context),
  run(input, context) {
    const { found, qualifier, arn } = policyPlace(input, context);
    requireLength("statementId", input.StatementId, 100);
    requirePattern("statementId", input.StatementId, /([a-zA-Z0-9-_]+)/);
    requirePattern("action", input.Action, /(lambda:[*]|lambda:[a-zA-Z]+|[*])/);
    const statement = statementOf(input, arn);
    const add = (text: string | undefined) => {
      const policy = policyOf(text);
      if (policy.Statement.some(({ Sid }) => Sid === statement.Sid))
        throw lambdaError(
          "ResourceConflictException",
          409,
          `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
        );
      return policyText({ ...policy, Statement: [...policy.Statement, statement] });
    };
    context.parts.functions.changePolicy(found, qualifier, add, input.RevisionId);
    return { Statement: JSON.stringify(statement) };
  },
};
