import { account } from "./account/service.ts";
import { ec2 } from "./ec2/service.ts";
import { cloudtrail } from "./cloudtrail/service.ts";
import { iam } from "./iam/service.ts";
import { kms } from "./kms/service.ts";
import { lambda } from "./lambda/service.ts";
import { s3 } from "./s3/service.ts";
import type { Service } from "./service.ts";
import { sqs } from "./sqs/service.ts";
import { sts } from "./sts/service.ts";

/** All services at the door, on one screen. */
const services: readonly Service[] = [s3, iam, kms, sts, sqs, cloudtrail, ec2, account, lambda];

const byName = new Map<string, Service>();
const byVersion = new Map<string, Service>();
const byTarget = new Map<string, Service>();
for (const service of services) {
  for (const name of [service.name, ...(service.aliases ?? [])]) byName.set(name, service);
  byVersion.set(service.version, service);
  if (service.targetPrefix !== undefined) byTarget.set(service.targetPrefix, service);
}

export const serviceNamed = (name: string) => byName.get(name);
/** By the Version of a query. */
export const serviceOfVersion = (version: string) => byVersion.get(version);
/** By what stands before the operation in X-Amz-Target; some clients say more than its last part. */
export const serviceOfTarget = (prefix: string) =>
  byTarget.get(prefix.slice(prefix.lastIndexOf(".") + 1));
