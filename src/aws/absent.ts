import type { IncomingHttpHeaders } from "node:http";
import type { ProtocolName } from "./protocols/protocol.ts";
import type { Service } from "./service.ts";
import { parameterOf, type Target } from "./target.ts";

/** Those that speak XML with methods and addresses; all others of that way speak JSON. */
const speakXml = /^(?:s3-|route53$|cloudfront$)/;
/** Strangers choose it. */
const name = /^[a-z][a-z0-9-]{0,39}$/;

/**
 * A service that is not here, which none of whose operations are: who asks for one is told so in the protocol that the
 * request is in. `named` is who it says it is for. Undefined when the request shows neither name nor protocol.
 */
export function absentService(
  named: string | undefined,
  target: Target,
  headers: IncomingHttpHeaders,
): Service | undefined {
  const protocol =
    rpcOf(target, headers) ??
    (named === undefined ? undefined : speakXml.test(named) ? "restXml" : "restJson");
  if (protocol === undefined) return undefined;
  const asked = named ?? targetName(headers);
  return {
    name: name.test(asked) ? asked : "unknown",
    version: "",
    xmlNamespace: "",
    protocols: [protocol],
    schemas: async () => ({}),
    operations: {},
    isAbsent: true,
  };
}

/** The protocol of a request that names its operation, not what it is about. */
function rpcOf(target: Target, headers: IncomingHttpHeaders): ProtocolName | undefined {
  const { "content-type": type = "", "x-amz-target": operation } = headers;
  if (operation !== undefined || type.startsWith("application/x-amz-json"))
    return type.startsWith("application/x-amz-json-1.0") ? "awsJson1_0" : "awsJson1_1";
  const isForm = target.method === "POST" && type.startsWith("application/x-www-form-urlencoded");
  const isQuery = target.path === "/" && parameterOf(target.query, "Action") !== undefined;
  return isForm || isQuery ? "awsQuery" : undefined;
}

/** "DynamoDB_20120810.ListTables" is dynamodb's. */
function targetName({ "x-amz-target": asked }: IncomingHttpHeaders): string {
  return /^\w+?(?=[._])/.exec(String(asked))?.[0].toLowerCase() ?? "";
}
