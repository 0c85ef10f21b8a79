import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import {
  CreateFunctionCommand,
  LambdaClient,
  type CreateFunctionCommandInput,
} from "@aws-sdk/client-lambda";
import { makeZip } from "#/functions/testing/make-zip.ts";
import { accountId, clientOptions, startAwsPort } from "../../testing/aws-port.ts";

export const role = `arn:aws:iam::${accountId}:role/service/runs`;
export const zip = makeZip([
  { name: "index.mjs", content: "export const handler = async () => 1;" },
]);
export const arnOf = (title: string) => `arn:aws:lambda:us-east-1:${accountId}:function:${title}`;

/** A role's trust in somebody. */
export const trusting = (Principal: object) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }],
  });

/** A door of AWS with a role that functions may have. */
export async function startLambdaWorld() {
  const aws = await startAwsPort();
  const client = new LambdaClient(clientOptions(aws.endpoint));
  const iam = new IAMClient(clientOptions(aws.endpoint));
  await iam.send(
    new CreateRoleCommand({
      RoleName: "runs",
      Path: "/service/",
      AssumeRolePolicyDocument: trusting({ Service: "lambda.amazonaws.com" }),
    }),
  );
  let users = 0;
  return {
    aws,
    client,
    iam,
    create: (
      FunctionName: string,
      more: Partial<CreateFunctionCommandInput> = {},
      as: LambdaClient = client,
    ) =>
      as.send(
        new CreateFunctionCommand({
          FunctionName,
          Role: role,
          Runtime: "nodejs22.x",
          Handler: "index.handler",
          Code: { ZipFile: zip },
          ...more,
        }),
      ),
    /** A user of the account who may do what these statements allow. */
    async user(...Statement: object[]): Promise<LambdaClient> {
      const UserName = `user-${++users}`;
      await iam.send(new CreateUserCommand({ UserName }));
      const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
      await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "own", PolicyDocument }));
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
      const credentials = {
        accessKeyId: AccessKey!.AccessKeyId!,
        secretAccessKey: AccessKey!.SecretAccessKey!,
      };
      return new LambdaClient({ ...clientOptions(aws.endpoint), credentials });
    },
  };
}
