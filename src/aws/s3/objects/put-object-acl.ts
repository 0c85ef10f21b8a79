import type { PutObjectAclCommandInput, PutObjectAclCommandOutput } from "@aws-sdk/client-s3";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../../call.ts";
import { keptGrants } from "../acl.ts";
import { callOf, versionIdOf } from "../call.ts";
import { writeConditions } from "../write-conditions.ts";
import { demandMark, markObject } from "./mark-object.ts";

export const putObjectAcl: AwsOperation<PutObjectAclCommandInput, PutObjectAclCommandOutput> = {
  async asks(_input, context) {
    const call = callOf(context);
    await demandMark(call, versionIdOf(call), "PutObjectAcl");
    return [];
  },
  async run(input, context) {
    const { ACL, AccessControlPolicy, GrantFullControl, GrantRead, GrantWrite } = input;
    const asked = [ACL, AccessControlPolicy, GrantFullControl, GrantRead, GrantWrite];
    asked.push(input.GrantReadACP, input.GrantWriteACP);
    if (asked.every((one) => one === undefined))
      throw new AwsError(
        "MissingSecurityHeader",
        400,
        "Your request was missing a required header",
        {
          fields: { MissingHeaderName: "x-amz-acl" },
        },
      );
    const call = callOf(context);
    await markObject(
      call,
      versionIdOf(call),
      "PutObjectAcl",
      ({ ownerId }) => {
        const acl = keptGrants(input, call, ownerId);
        return acl === undefined ? {} : { acl };
      },
      { conditions: writeConditions(call.headers) },
    );
    return {};
  },
};
