import type { Service } from "../service.ts";

export const cloudtrail: Service = {
  name: "cloudtrail",
  version: "2013-11-01",
  targetPrefix: "CloudTrail_20131101",
  xmlNamespace: "http://cloudtrail.amazonaws.com/doc/2013-11-01/",
  protocols: ["awsJson1_1"],
  schemas: () => import("@aws-sdk/client-cloudtrail"),
  operations: {
    LookupEvents: async () => (await import("./lookup-events.ts")).lookupEvents,
  },
};
