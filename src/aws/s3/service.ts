import type { Service } from "../service.ts";
import { bucketOperations } from "./buckets/operations.ts";
import { objectOperations } from "./objects/operations.ts";

/** S3: its objects' own calls go past the schemas, its buckets' through them. */
export const s3: Service = {
  name: "s3",
  aliases: ["s3express"],
  version: "2006-03-01",
  xmlNamespace: "http://s3.amazonaws.com/doc/2006-03-01/",
  protocols: ["restXml"],
  schemas: () => import("@aws-sdk/client-s3"),
  operations: {
    ...bucketOperations,
    ...objectOperations,
    Preflight: async () => (await import("./preflight.ts")).preflight,
  },
};
