import type { Service } from "../service.ts";

export const sts: Service = {
  name: "sts",
  version: "2011-06-15",
  xmlNamespace: "https://sts.amazonaws.com/doc/2011-06-15/",
  protocols: ["awsQuery"],
  schemas: () => import("@aws-sdk/client-sts"),
  operations: {
    AssumeRole: async () => (await import("./assume-role.ts")).assumeRole,
    GetAccessKeyInfo: async () => (await import("./get-access-key-info.ts")).getAccessKeyInfo,
    GetFederationToken: async () => (await import("./get-federation-token.ts")).getFederationToken,
    GetSessionToken: async () => (await import("./get-session-token.ts")).getSessionToken,
    GetCallerIdentity: async () => (await import("./get-caller-identity.ts")).getCallerIdentity,
  },
};
