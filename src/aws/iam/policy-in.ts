import { iamArn, iamName, type IamPolicyRecord, type IamPolicySpec } from "#/model/iam.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { Transaction } from "#/space/space.ts";
import type { Ask, AwsContext, AwsOperation } from "../call.ts";
import { noSuchEntity } from "./errors.ts";

export type NamedPolicy = { PolicyArn?: string | undefined };

export function askOfPolicy({ PolicyArn }: NamedPolicy, { operation }: AwsContext): Ask {
  return { action: `iam:${operation}`, resource: PolicyArn ?? "*" };
}

/** The account's own managed policy that an input names. Throws "NoSuchEntity"; "AccessDenied" for those of AWS. */
export function policyIn(
  { PolicyArn = "" }: NamedPolicy,
  { parts, caller }: AwsContext,
  from: Pick<Transaction, "get"> = parts.space,
): IamPolicyRecord {
  if (PolicyArn.startsWith("arn:aws:iam::aws:policy/"))
    throw new AwsError(
      "AccessDenied",
      403,
      `Policy ${PolicyArn} is managed by AWS and cannot be changed.`,
    );
  const name = PolicyArn.slice(PolicyArn.lastIndexOf("/") + 1);
  const record = from.get("iam-policy", iamName(caller.project, name));
  if (record && iamArn("iam-policy", caller.accountId, record.spec) === PolicyArn) return record;
  throw noSuchEntity(`Policy ${PolicyArn} was not found.`);
}

/** An operation that reads one of the account's managed policies. */
export function readingPolicy<Input extends NamedPolicy, Output>(
  run: (record: IamPolicyRecord, input: Input, context: AwsContext) => Output,
): AwsOperation<Input, Output> {
  return {
    asks: askOfPolicy,
    run: (input, context) => run(policyIn(input, context), input, context) as never,
  };
}

/** An operation that makes one of them another; answered once that is durable. */
export function changingPolicy<Input extends NamedPolicy>(
  change: (spec: IamPolicySpec, input: Input, context: AwsContext) => IamPolicySpec,
): AwsOperation<Input, object> {
  return {
    asks: askOfPolicy,
    async run(input, context) {
      await context.parts.space.commit((tx) => {
        const record = policyIn(input, context, tx);
        tx.put({ ...record, spec: change(record.spec, input, context) });
      }).durable;
      return {};
    },
  };
}
