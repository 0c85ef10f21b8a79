import type { Pattern } from "./pattern.ts";

const existing = [
  "GetObject",
  "GetObjectVersion",
  ...["Acl", "Tagging", "Attributes", "Torrent"].flatMap((what) => [
    `GetObject${what}`,
    `GetObjectVersion${what}`,
  ]),
  "GetObjectVersionForReplication",
  "GetObjectRetention",
  "GetObjectLegalHold",
  "PutObjectAcl",
  "PutObjectVersionAcl",
  "PutObjectTagging",
  "PutObjectVersionTagging",
  "PutObjectRetention",
  "PutObjectLegalHold",
  "DeleteObject",
  "DeleteObjectVersion",
  "DeleteObjectTagging",
  "DeleteObjectVersionTagging",
  "RestoreObject",
  "BypassGovernanceRetention",
  "ObjectOwnerOverrideToBucketOwner",
];
const puts = ["PutObject", "ReplicateObject"];
const reads = ["GetObject", "GetObjectVersion"];
const acls = ["PutObject", "PutObjectAcl", "PutObjectVersionAcl", "PutBucketAcl", "CreateBucket"];
const tags = ["PutObject", "PutObjectTagging", "PutObjectVersionTagging", "ReplicateTags"];
const retentions = [...puts, "PutObjectRetention", "BypassGovernanceRetention"];
const lists = ["ListBucket", "ListBucketVersions", "ListBucketMultipartUploads"];

/**
 * The condition keys of S3, in lower case, with the actions that they say something of; none named are all. A key that ends in "/" has a name
 * of the policy's choice behind it. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
const keys: Readonly<Record<string, readonly string[] | undefined>> = {
  "s3:accessgrantsinstancearn": undefined,
  "s3:accesspointnetworkorigin": undefined,
  "s3:accesspointtag/": undefined,
  "s3:authtype": undefined,
  "s3:buckettag/": undefined,
  "s3:dataaccesspointaccount": undefined,
  "s3:dataaccesspointarn": undefined,
  "s3:destinationregion": undefined,
  "s3:isreplicationpauserequest": undefined,
  "s3:resourceaccount": undefined,
  "s3:signatureage": undefined,
  "s3:signatureversion": undefined,
  "s3:tlsversion": undefined,
  "s3:x-amz-content-sha256": undefined,
  "s3:prefix": lists,
  "s3:delimiter": lists,
  "s3:max-keys": lists,
  "s3:versionid": existing,
  "s3:existingobjecttag/": existing,
  "s3:requestobjecttag/": tags,
  "s3:requestobjecttagkeys": tags,
  "s3:x-amz-acl": acls,
  "s3:x-amz-grant-full-control": acls,
  "s3:x-amz-grant-read": acls,
  "s3:x-amz-grant-read-acp": acls,
  "s3:x-amz-grant-write": acls,
  "s3:x-amz-grant-write-acp": acls,
  "s3:x-amz-copy-source": puts,
  "s3:x-amz-metadata-directive": puts,
  "s3:x-amz-server-side-encryption": puts,
  "s3:x-amz-server-side-encryption-aws-kms-key-id": puts,
  "s3:x-amz-server-side-encryption-customer-algorithm": [...puts, ...reads],
  "s3:x-amz-storage-class": puts,
  "s3:x-amz-website-redirect-location": puts,
  "s3:objectcreationoperation": puts,
  "s3:if-match": [...puts, "DeleteObject"],
  "s3:if-none-match": puts,
  "s3:object-lock-mode": retentions,
  "s3:object-lock-retain-until-date": retentions,
  "s3:object-lock-remaining-retention-days": retentions,
  "s3:object-lock-legal-hold": [...puts, "PutObjectLegalHold", "BypassGovernanceRetention"],
  "s3:locationconstraint": ["CreateBucket"],
  "s3:x-amz-object-ownership": ["CreateBucket", "PutBucketOwnershipControls"],
  "s3:inventoryaccessibleoptionalfields": ["PutInventoryConfiguration"],
  "s3:existingjoboperation": ["DeleteJobTagging", "PutJobTagging", "UpdateJobPriority"],
  "s3:existingjobpriority": ["DeleteJobTagging", "PutJobTagging", "UpdateJobPriority"],
  "s3:jobsuspendedcause": ["UpdateJobStatus"],
  "s3:requestjoboperation": ["CreateJob"],
  "s3:requestjobpriority": ["CreateJob", "UpdateJobPriority"],
};

/** A key as the list has it; undefined for one that S3 does not know. */
function nameOf(key: string): string | undefined {
  const slash = key.indexOf("/");
  const name = slash < 0 ? key : key.slice(0, slash + 1);
  return Object.hasOwn(keys, name) && (slash < 0 || key.length > name.length) ? name : undefined;
}

/** Whether a key in lower case is one of S3's, where it begins as those do. */
export const isKeyOfS3 = (key: string): boolean => nameOf(key) !== undefined;

/** Whether a key says something of any of these actions. */
export function appliesToAny(key: string, actions: readonly Pattern[]): boolean {
  const of = keys[nameOf(key) ?? ""];
  return (
    of === undefined ||
    of.some((name) => actions.some((one) => one.matches(`s3:${name}`, () => undefined)))
  );
}
