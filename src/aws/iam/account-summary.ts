import type {
  GetAccountSummaryCommandInput,
  GetAccountSummaryCommandOutput,
} from "@aws-sdk/client-iam";
import type { AwsOperation } from "../call.ts";
import { keysOf } from "./access-keys.ts";

export const getAccountSummary: AwsOperation<
  GetAccountSummaryCommandInput,
  GetAccountSummaryCommandOutput
> = {
  asks: () => ({ action: "iam:GetAccountSummary", resource: "*" }),
  run(_input, context) {
    const { space } = context.parts;
    const { project } = context.caller;
    const policies = [...space.list("iam-policy", project)];
    return {
      SummaryMap: {
        Users: space.count("iam-user", project),
        UsersQuota: 5000,
        Groups: space.count("iam-group", project),
        GroupsQuota: 300,
        Roles: space.count("iam-role", project),
        RolesQuota: 1000,
        Policies: policies.length,
        PoliciesQuota: 1500,
        PolicyVersionsInUse: policies.reduce((sum, { spec }) => sum + spec.versions.length, 0),
        PolicyVersionsInUseQuota: 10_000,
        PolicySizeQuota: 6144,
        VersionsPerPolicyQuota: 5,
        AccessKeysPerUserQuota: 2,
        GroupsPerUserQuota: 10,
        AttachedPoliciesPerUserQuota: 10,
        AttachedPoliciesPerGroupQuota: 10,
        AttachedPoliciesPerRoleQuota: 10,
        UserPolicySizeQuota: 2048,
        GroupPolicySizeQuota: 5120,
        RolePolicySizeQuota: 10_240,
        AssumeRolePolicySizeQuota: 2048,
        AccountAccessKeysPresent: keysOf(context, "").length > 0 ? 1 : 0,
        AccountMFAEnabled: 0,
        MFADevices: 0,
        MFADevicesInUse: 0,
        AccountSigningCertificatesPresent: 0,
        Providers: 0,
        ServerCertificates: 0,
        ServerCertificatesQuota: 20,
        InstanceProfiles: space.count("iam-instance-profile", project),
        InstanceProfilesQuota: 1000,
      },
    };
  },
};
