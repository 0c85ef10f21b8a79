import { EC2Client } from "@aws-sdk/client-ec2";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { clientOptions } from "../../testing/aws-port.ts";
import type { Ec2World } from "./world.ts";

/** A new user of the account, who may do what the statements of one policy let it. */
export async function userWith(
  { aws }: Ec2World,
  UserName: string,
  Statement: object[],
): Promise<EC2Client> {
  const options = clientOptions(aws.endpoint);
  const root = new IAMClient(options);
  await root.send(new CreateUserCommand({ UserName }));
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await root.send(new PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument }));
  const { AccessKey } = await root.send(new CreateAccessKeyCommand({ UserName }));
  const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = AccessKey!;
  return new EC2Client({ ...options, credentials: { accessKeyId, secretAccessKey } });
}
