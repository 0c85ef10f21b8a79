import type { GetObjectAclCommandInput, GetObjectAclCommandOutput } from "@aws-sdk/client-s3";
import { canonicalUserIdOf } from "#/model/account.ts";
import type { AwsOperation } from "../../call.ts";
import { aclOf } from "../acl.ts";
import { writeGrants } from "../buckets/acl.ts";
import { callOf, versionIdOf } from "../call.ts";
import { findReadable } from "./read-object.ts";

export const getObjectAcl: AwsOperation<GetObjectAclCommandInput, GetObjectAclCommandOutput> = {
  asks: () => [],
  async run(_input, context) {
    const call = callOf(context);
    const found = await findReadable(call, versionIdOf(call), "GET", "GetObjectAcl");
    const { ownerId, grants } = aclOf(found, call.bucket.spec);
    return { Owner: { ID: canonicalUserIdOf(ownerId) }, Grants: writeGrants(grants) };
  },
};
