import type { AwsCall } from "./aws-call.ts";
import { hostId } from "./protocols/rest-xml.ts";
import { s3 } from "./s3/service.ts";

/** Puts the call's name on its answer. */
export function nameCall({ service, requestId, response }: AwsCall): void {
  if (service === s3) {
    response.setHeader("x-amz-request-id", requestId);
    response.setHeader("x-amz-id-2", hostId(requestId));
  } else response.setHeader("x-amzn-requestid", requestId);
}
