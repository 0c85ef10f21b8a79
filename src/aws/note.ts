import { AwsError } from "#/model/aws-error.ts";
import type { TrailKind } from "#/model/trail.ts";
import { stranger } from "#/trail/trail.ts";
import type { AwsCall } from "./aws-call.ts";

/** Names of operations that change nothing; of S3 all that are no question are asked by another method. */
const reads = /^(?:Get|List|Describe|Head|Lookup|BatchGet|Simulate|Select|Generate|Verify)/;
const dataOfS3 = /^(?:DeleteObjects|ListObject|ListMultipartUploads|PostObject|Preflight)/;
const dataOfQueues = /Message/;

/** Notes a call that was answered in the trail. */
export function note(call: AwsCall, startedMs: number, thrown: unknown): void {
  const { parts, service, operation, caller, target, request, response } = call;
  const { trail, clock } = parts;
  if (!trail) return;
  const { "user-agent": agent } = request.headers;
  const resource = call.resource ?? s3Resource(call);
  const now = clock.now();
  trail.note(kindOf(service.name, operation, target.key), {
    id: call.requestId,
    at: startedMs,
    ms: now - startedMs,
    service: service.name,
    operation: operation === "" ? target.method : operation,
    project: caller.project,
    who: caller.kind === "anonymous" ? stranger : caller.arn,
    accessKeyId: caller.accessKeyId,
    sourceIdentity: caller.sourceIdentity,
    from: call.sourceIp,
    agent: agent?.slice(0, agentLengthMax),
    resource,
    status: response.statusCode,
    error: thrown === undefined ? undefined : codeOf(thrown),
    isRead:
      operation === ""
        ? target.method === "GET" || target.method === "HEAD"
        : reads.test(operation),
  });
}

const agentLengthMax = 120;

function kindOf(service: string, operation: string, key: string | undefined): TrailKind {
  if (service === "s3")
    return key !== undefined || dataOfS3.test(operation) ? "data" : "management";
  return service === "sqs" && dataOfQueues.test(operation) ? "data" : "management";
}

function s3Resource({ target: { bucket, key } }: AwsCall): string | undefined {
  if (bucket === undefined) return undefined;
  return key === undefined ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`;
}

function codeOf(thrown: unknown): string {
  return thrown instanceof AwsError ? thrown.awsCode : "InternalError";
}
