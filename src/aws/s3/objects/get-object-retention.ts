import { AwsError } from "#/model/aws-error.ts";
import { sendXml } from "../answer.ts";
import { operation, versionIdOf } from "../call.ts";
import { missingConfiguration } from "../headers/locks.ts";
import { element, xmlDocument, xmlTime } from "../xml/write.ts";
import { findReadable } from "./read-object.ts";

export const getObjectRetention = operation(async (call) => {
  if (!call.bucket.spec.objectLock) throw missingConfiguration();
  const { retention } = await findReadable(call, versionIdOf(call), "GET", "GetObjectRetention");
  if (!retention) throw noLock();
  sendXml(
    call,
    xmlDocument(
      "Retention",
      element("Mode", retention.mode) + element("RetainUntilDate", xmlTime(retention.untilMs)),
    ),
  );
});

export const noLock = (): AwsError =>
  new AwsError(
    "NoSuchObjectLockConfiguration",
    404,
    "The specified object does not have a ObjectLock configuration",
  );
