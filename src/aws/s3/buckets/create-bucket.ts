import type { CreateBucketCommandInput, CreateBucketCommandOutput } from "@aws-sdk/client-s3";
import { AwsError } from "#/model/aws-error.ts";
import type { BucketSpec } from "#/model/bucket.ts";
import type { AwsOperation, Ask } from "../../call.ts";
import { invalidBucketAcl, ownersOwn, readAcl } from "./acl.ts";
import { invalidArgument } from "./errors.ts";
import { readBucketTags } from "./tags.ts";

type Input = CreateBucketCommandInput;

export const createBucket: AwsOperation<Input, CreateBucketCommandOutput> = {
  asks(input) {
    // Where it shall be stands in the document: asked for again when that is read.
    const unknown = { conditions: ["s3:LocationConstraint"] };
    return asksOf(input).map((ask): Ask => ({ ...ask, unknown }));
  },
  async run(input, context) {
    const { parts, caller } = context;
    const { Bucket: name = "", CreateBucketConfiguration: more } = input;
    for (const ask of asksOf(input)) context.authorize(ask);
    const tags = more?.Tags?.length ? readBucketTags(more.Tags) : undefined;
    if (tags)
      context.authorize({
        action: "s3:TagResource",
        resource: `arn:aws:s3:::${name}`,
        conditions: {
          "aws:TagKeys": Object.keys(tags),
          ...Object.fromEntries(
            Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value]),
          ),
        },
      });
    const { space, buckets, region } = parts;
    const { accountId, project } = caller;
    checkRegion(more?.LocationConstraint, region);
    const ownership = readOwnership(input.ObjectOwnership);
    const grants = readAcl(input, { space, owner: accountId });
    const acl = grants && !ownersOwn(grants, accountId) ? grants : undefined;
    if (acl && (ownership ?? "BucketOwnerEnforced") === "BucketOwnerEnforced")
      throw invalidBucketAcl();
    if (acl?.some(({ to }) => "group" in to && to.group !== "LogDelivery"))
      throw new AwsError(
        "InvalidBucketAclWithBlockPublicAccessError",
        400,
        "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
      ); // as a new bucket blocks what is public
    const own = buckets.find(name);
    if (own?.project === project && region === "us-east-1") {
      await buckets.change(own, ({ acl: _before, ...spec }) => (acl ? { ...spec, acl } : spec));
    } else {
      await buckets.create({
        name,
        project,
        accountId,
        region,
        hasObjectLock: input.ObjectLockEnabledForBucket ?? false,
        ...(ownership && { ownership }),
        ...(acl && { acl }),
        ...(tags && { tags }),
      });
    }
    return { Location: `/${name}`, BucketArn: `arn:aws:s3:::${name}` };
  },
};

function asksOf(input: Input): Ask[] {
  const resource = `arn:aws:s3:::${input.Bucket}`;
  const also = {
    "s3:PutBucketAcl": input.ACL !== undefined || hasGrants(input),
    "s3:PutBucketObjectLockConfiguration": input.ObjectLockEnabledForBucket,
    "s3:PutBucketVersioning": input.ObjectLockEnabledForBucket,
    "s3:PutBucketOwnershipControls": input.ObjectOwnership !== undefined,
  };
  const actions = Object.entries(also).flatMap(([action, isAsked]) => (isAsked ? [action] : []));
  const conditions = conditionsOf(input);
  return ["s3:CreateBucket", ...actions].map((action) => ({ action, resource, conditions }));
}

/** What policies may look at of a new bucket. */
function conditionsOf(input: Input): Record<string, string> {
  const said = {
    "s3:LocationConstraint": input.CreateBucketConfiguration?.LocationConstraint,
    "s3:x-amz-acl": input.ACL,
    "s3:x-amz-object-ownership": input.ObjectOwnership,
  };
  return Object.fromEntries(
    Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

const hasGrants = (input: Input) =>
  [
    input.GrantFullControl,
    input.GrantRead,
    input.GrantReadACP,
    input.GrantWrite,
    input.GrantWriteACP,
  ].some((grant) => grant !== undefined);

function readOwnership(asked: string | undefined): BucketSpec["ownership"] {
  if (
    asked === undefined ||
    asked === "BucketOwnerEnforced" ||
    asked === "BucketOwnerPreferred" ||
    asked === "ObjectWriter"
  )
    return asked;
  throw invalidArgument(
    `Invalid x-amz-object-ownership header: ${asked}`,
    "x-amz-object-ownership",
    asked,
  );
}

/** A bucket is where its cloud is: the first region of all is named by naming none. */
function checkRegion(asked: string | undefined, region: string): void {
  if (region === "us-east-1") {
    if (asked === undefined || asked === "") return;
    throw new AwsError(
      "InvalidLocationConstraint",
      400,
      "The specified location-constraint is not valid",
      { fields: { LocationConstraint: asked } },
    );
  }
  if (asked === region || (asked === "EU" && region === "eu-west-1")) return;
  throw new AwsError(
    "IllegalLocationConstraintException",
    400,
    `The ${asked ?? "unspecified"} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  );
}
