import type { Service } from "../service.ts";

/** Users, groups, roles and policies. Passwords, devices, certificates and other ways to log in are none of ours. */
export const iam: Service = {
  name: "iam",
  version: "2010-05-08",
  xmlNamespace: "https://iam.amazonaws.com/doc/2010-05-08/",
  protocols: ["awsQuery"],
  schemas: () => import("@aws-sdk/client-iam"),
  operations: {
    GetAccountAuthorizationDetails: async () =>
      (await import("./authorization-details.ts")).getAccountAuthorizationDetails,
    CreateInstanceProfile: async () =>
      (await import("./instance-profiles.ts")).createInstanceProfile,
    GetInstanceProfile: async () => (await import("./instance-profiles.ts")).getInstanceProfile,
    ListInstanceProfiles: async () => (await import("./instance-profiles.ts")).listInstanceProfiles,
    ListInstanceProfilesForRole: async () =>
      (await import("./instance-profiles.ts")).listInstanceProfilesForRole,
    DeleteInstanceProfile: async () =>
      (await import("./instance-profiles.ts")).deleteInstanceProfile,
    AddRoleToInstanceProfile: async () =>
      (await import("./instance-profiles.ts")).addRoleToInstanceProfile,
    RemoveRoleFromInstanceProfile: async () =>
      (await import("./instance-profiles.ts")).removeRoleFromInstanceProfile,
    CreateUser: async () => (await import("./users.ts")).createUser,
    GetUser: async () => (await import("./users.ts")).getUser,
    ListUsers: async () => (await import("./users.ts")).listUsers,
    UpdateUser: async () => (await import("./change-user.ts")).updateUser,
    DeleteUser: async () => (await import("./change-user.ts")).deleteUser,
    CreateAccessKey: async () => (await import("./access-keys.ts")).createAccessKey,
    ListAccessKeys: async () => (await import("./access-keys.ts")).listAccessKeys,
    UpdateAccessKey: async () => (await import("./access-keys.ts")).updateAccessKey,
    DeleteAccessKey: async () => (await import("./access-keys.ts")).deleteAccessKey,
    GetAccessKeyLastUsed: async () => (await import("./access-keys.ts")).getAccessKeyLastUsed,
    CreateGroup: async () => (await import("./groups.ts")).createGroup,
    GetGroup: async () => (await import("./groups.ts")).getGroup,
    ListGroups: async () => (await import("./groups.ts")).listGroups,
    ListGroupsForUser: async () => (await import("./groups.ts")).listGroupsForUser,
    UpdateGroup: async () => (await import("./groups.ts")).updateGroup,
    DeleteGroup: async () => (await import("./groups.ts")).deleteGroup,
    AddUserToGroup: async () => (await import("./groups.ts")).addUserToGroup,
    RemoveUserFromGroup: async () => (await import("./groups.ts")).removeUserFromGroup,
    CreateRole: async () => (await import("./roles.ts")).createRole,
    GetRole: async () => (await import("./roles.ts")).getRole,
    ListRoles: async () => (await import("./roles.ts")).listRoles,
    UpdateRole: async () => (await import("./roles.ts")).updateRole,
    UpdateRoleDescription: async () => (await import("./roles.ts")).updateRoleDescription,
    UpdateAssumeRolePolicy: async () => (await import("./roles.ts")).updateAssumeRolePolicy,
    DeleteRole: async () => (await import("./roles.ts")).deleteRole,
    PutUserPolicy: async () => (await import("./inline-policies.ts")).putUserPolicy,
    PutGroupPolicy: async () => (await import("./inline-policies.ts")).putGroupPolicy,
    PutRolePolicy: async () => (await import("./inline-policies.ts")).putRolePolicy,
    GetUserPolicy: async () => (await import("./inline-policies.ts")).getUserPolicy,
    GetGroupPolicy: async () => (await import("./inline-policies.ts")).getGroupPolicy,
    GetRolePolicy: async () => (await import("./inline-policies.ts")).getRolePolicy,
    DeleteUserPolicy: async () => (await import("./inline-policies.ts")).deleteUserPolicy,
    DeleteGroupPolicy: async () => (await import("./inline-policies.ts")).deleteGroupPolicy,
    DeleteRolePolicy: async () => (await import("./inline-policies.ts")).deleteRolePolicy,
    ListUserPolicies: async () => (await import("./inline-policies.ts")).listUserPolicies,
    ListGroupPolicies: async () => (await import("./inline-policies.ts")).listGroupPolicies,
    ListRolePolicies: async () => (await import("./inline-policies.ts")).listRolePolicies,
    AttachUserPolicy: async () => (await import("./attached-policies.ts")).attachUserPolicy,
    AttachGroupPolicy: async () => (await import("./attached-policies.ts")).attachGroupPolicy,
    AttachRolePolicy: async () => (await import("./attached-policies.ts")).attachRolePolicy,
    DetachUserPolicy: async () => (await import("./attached-policies.ts")).detachUserPolicy,
    DetachGroupPolicy: async () => (await import("./attached-policies.ts")).detachGroupPolicy,
    DetachRolePolicy: async () => (await import("./attached-policies.ts")).detachRolePolicy,
    ListAttachedUserPolicies: async () =>
      (await import("./attached-policies.ts")).listAttachedUserPolicies,
    ListAttachedGroupPolicies: async () =>
      (await import("./attached-policies.ts")).listAttachedGroupPolicies,
    ListAttachedRolePolicies: async () =>
      (await import("./attached-policies.ts")).listAttachedRolePolicies,
    PutUserPermissionsBoundary: async () =>
      (await import("./boundaries.ts")).putUserPermissionsBoundary,
    PutRolePermissionsBoundary: async () =>
      (await import("./boundaries.ts")).putRolePermissionsBoundary,
    DeleteUserPermissionsBoundary: async () =>
      (await import("./boundaries.ts")).deleteUserPermissionsBoundary,
    DeleteRolePermissionsBoundary: async () =>
      (await import("./boundaries.ts")).deleteRolePermissionsBoundary,
    CreatePolicy: async () => (await import("./managed-policies.ts")).createPolicy,
    GetPolicy: async () => (await import("./managed-policies.ts")).getPolicy,
    ListPolicies: async () => (await import("./managed-policies.ts")).listPolicies,
    DeletePolicy: async () => (await import("./managed-policies.ts")).deletePolicy,
    ListEntitiesForPolicy: async () =>
      (await import("./managed-policies.ts")).listEntitiesForPolicy,
    CreatePolicyVersion: async () => (await import("./policy-versions.ts")).createPolicyVersion,
    GetPolicyVersion: async () => (await import("./policy-versions.ts")).getPolicyVersion,
    ListPolicyVersions: async () => (await import("./policy-versions.ts")).listPolicyVersions,
    SetDefaultPolicyVersion: async () =>
      (await import("./policy-versions.ts")).setDefaultPolicyVersion,
    DeletePolicyVersion: async () => (await import("./policy-versions.ts")).deletePolicyVersion,
    TagUser: async () => (await import("./tags.ts")).tagUser,
    TagRole: async () => (await import("./tags.ts")).tagRole,
    TagPolicy: async () => (await import("./tags.ts")).tagPolicy,
    UntagUser: async () => (await import("./tags.ts")).untagUser,
    UntagRole: async () => (await import("./tags.ts")).untagRole,
    UntagPolicy: async () => (await import("./tags.ts")).untagPolicy,
    ListUserTags: async () => (await import("./tags.ts")).listUserTags,
    ListRoleTags: async () => (await import("./tags.ts")).listRoleTags,
    ListPolicyTags: async () => (await import("./tags.ts")).listPolicyTags,
    GetAccountSummary: async () => (await import("./account-summary.ts")).getAccountSummary,
    SimulateCustomPolicy: async () => (await import("./simulate.ts")).simulateCustomPolicy,
    SimulatePrincipalPolicy: async () => (await import("./simulate.ts")).simulatePrincipalPolicy,
  },
};
