/** Policies that AWS manages, by the names that everybody attaches. Their ARNs are "arn:aws:iam::aws:policy/NAME". */
const prefix = "arn:aws:iam::aws:policy/";

const document = (
  ...statements: { Action: string | string[]; Resource?: string; Effect?: string }[]
) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map((one) => ({ Effect: "Allow", Resource: "*", ...one })),
  });

const documents: Record<string, string> = {
  AdministratorAccess: document({ Action: "*" }),
  PowerUserAccess: JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", NotAction: ["iam:*", "organizations:*", "account:*"], Resource: "*" },
      { Effect: "Allow", Action: ["iam:ListRoles", "account:ListRegions"], Resource: "*" },
    ],
  }),
  ReadOnlyAccess: document({
    Action: ["*:Get*", "*:List*", "*:Describe*", "*:Head*", "*:Lookup*", "canopy:Read*"],
  }),
  SecurityAudit: document({
    Action: [
      "iam:Get*",
      "iam:List*",
      "s3:GetBucket*",
      "s3:ListAllMyBuckets",
      "kms:List*",
      "kms:Describe*",
      "cloudtrail:LookupEvents",
    ],
  }),
  IAMFullAccess: document({ Action: "iam:*" }),
  IAMReadOnlyAccess: document({ Action: ["iam:Get*", "iam:List*", "iam:Simulate*"] }),
  AmazonS3FullAccess: document({ Action: "s3:*" }),
  AmazonS3ReadOnlyAccess: document({ Action: ["s3:Get*", "s3:List*", "s3:Describe*"] }),
  AmazonSQSFullAccess: document({ Action: "sqs:*" }),
  AmazonSQSReadOnlyAccess: document({ Action: ["sqs:Get*", "sqs:List*"] }),
  AmazonEC2FullAccess: document({ Action: "ec2:*" }),
  AmazonEC2ReadOnlyAccess: document({ Action: ["ec2:Describe*", "ec2:Get*"] }),
  AWSKeyManagementServicePowerUser: document({
    Action: [
      "kms:CreateAlias",
      "kms:CreateKey",
      "kms:DeleteAlias",
      "kms:Describe*",
      "kms:GenerateRandom",
      "kms:Get*",
      "kms:List*",
      "kms:TagResource",
      "kms:UntagResource",
      "iam:ListGroups",
      "iam:ListRoles",
      "iam:ListUsers",
    ],
  }),
  AWSCloudTrail_ReadOnlyAccess: document({
    Action: [
      "cloudtrail:Get*",
      "cloudtrail:Describe*",
      "cloudtrail:List*",
      "cloudtrail:LookupEvents",
    ],
  }),
  AWSLambdaBasicExecutionRole: document({
    Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
  }),
};

/** The document of a policy that AWS manages. */
export function managedDocument(arn: string): string | undefined {
  if (!arn.startsWith(prefix)) return undefined;
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  return Object.hasOwn(documents, name) ? documents[name] : undefined;
}

/** All of them, by name. */
export function managedPolicies(): { arn: string; name: string; document: string }[] {
  return Object.entries(documents).map(([name, text]) => ({
    arn: prefix + name,
    name,
    document: text,
  }));
}
