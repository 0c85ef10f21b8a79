import type { AddPermissionCommandInput } from "@aws-sdk/client-lambda";
import { parsePolicy, PolicyFault } from "#/access/policies/policy.ts";
import { limits } from "#/base/limits.ts";
import type { FunctionRecord } from "#/model/function.ts";
import type { AwsContext } from "../call.ts";
import { invalidParameter, lambdaError } from "./errors.ts";
import { functionIn, latest, qualifiedIn } from "./function-in.ts";

/** A function's policy, as AddPermission makes it. */
export interface FunctionPolicy {
  Version: string;
  Id: string;
  Statement: ({ Sid: string } & Record<string, unknown>)[];
}

export function policyOf(text: string | undefined): FunctionPolicy {
  if (text === undefined) return { Version: "2012-10-17", Id: "default", Statement: [] };
  return JSON.parse(text) as FunctionPolicy;
}

/** Undefined for a policy without statements. Throws "PolicyLengthExceededException". */
export function policyText(policy: FunctionPolicy): string | undefined {
  if (policy.Statement.length === 0) return undefined;
  const text = JSON.stringify(policy);
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.functionPolicyBytesMax)
    throw lambdaError(
      "PolicyLengthExceededException",
      400,
      `The final policy size (${bytes}) is bigger than the limit (${limits.functionPolicyBytesMax}).`,
    );
  return text;
}

/** What a policy hangs on: "" for the function itself. Throws "ResourceNotFoundException". */
export function policyPlace(
  named: { FunctionName: string | undefined; Qualifier?: string | undefined },
  context: AwsContext,
): { found: FunctionRecord; qualifier: string; arn: string } {
  const { place, found } = functionIn(named, context);
  const { qualifier = "", arn } = place;
  if (qualifier === latest)
    throw invalidParameter("We currently do not support adding policies for $LATEST.");
  if (qualifier !== "") qualifiedIn(place, found, context);
  return { found, qualifier, arn: qualifier === "" ? arn : `${arn}:${qualifier}` };
}

/** One statement as AddPermission asks for it. Throws "InvalidParameterValueException" for a principal that is none. */
export function statementOf(
  input: AddPermissionCommandInput,
  resource: string,
): FunctionPolicy["Statement"][number] {
  const equals = {
    ...(input.SourceAccount !== undefined && { "AWS:SourceAccount": input.SourceAccount }),
    ...(input.EventSourceToken !== undefined && {
      "lambda:EventSourceToken": input.EventSourceToken,
    }),
    ...(input.PrincipalOrgID !== undefined && { "aws:PrincipalOrgID": input.PrincipalOrgID }),
    ...(input.FunctionUrlAuthType !== undefined && {
      "lambda:FunctionUrlAuthType": input.FunctionUrlAuthType,
    }),
  };
  const condition = {
    ...(Object.keys(equals).length > 0 && { StringEquals: equals }),
    ...(input.InvokedViaFunctionUrl !== undefined && {
      Bool: { "lambda:InvokedViaFunctionUrl": String(input.InvokedViaFunctionUrl) },
    }),
    ...(input.SourceArn !== undefined && { ArnLike: { "AWS:SourceArn": input.SourceArn } }),
  };
  const statement = {
    Sid: input.StatementId ?? "",
    Effect: "Allow",
    Principal: principalOf(input.Principal ?? ""),
    Action: input.Action,
    Resource: resource,
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  };
  requireUnderstood(statement);
  return statement;
}

function principalOf(asked: string): string | Record<string, string> {
  if (asked === "*") return "*";
  if (/^\d{12}$/.test(asked)) return { AWS: `arn:aws:iam::${asked}:root` };
  if (asked.startsWith("arn:")) return { AWS: asked };
  if (/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(asked)) return { Service: asked };
  throw badPrincipal();
}

function requireUnderstood(statement: object): void {
  const text = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  try {
    parsePolicy(text, "resource");
  } catch (thrown) {
    if (!(thrown instanceof PolicyFault)) throw thrown;
    throw /principal/i.test(thrown.message) ? badPrincipal() : invalidParameter(thrown.message);
  }
}

const badPrincipal = () =>
  invalidParameter("The provided principal was invalid. Please check the principal and try again.");
