import type { Service } from "../service.ts";

/** What an account tells of itself. */
export const account: Service = {
  name: "account",
  version: "2021-02-01",
  xmlNamespace: "",
  protocols: ["restJson"],
  schemas: () => import("@aws-sdk/client-account"),
  operations: {
    GetAccountInformation: async () =>
      (await import("./get-account-information.ts")).getAccountInformation,
    GetRegionOptStatus: async () => (await import("./get-region-opt-status.ts")).getRegionOptStatus,
    ListRegions: async () => (await import("./list-regions.ts")).listRegions,
    PutAccountName: async () => (await import("./put-account-name.ts")).putAccountName,
  },
};
