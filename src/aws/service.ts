import type { Operations } from "./call.ts";
import type { ProtocolName } from "./protocols/protocol.ts";
import type { Target } from "./target.ts";

/** One service of AWS at our door. */
export interface Service {
  /** As scopes of signatures and hosts have it: "s3". */
  name: string;
  /** Other names for it, of hosts. */
  aliases?: readonly string[];
  /** Its date, as queries name it: "2012-11-05". */
  version: string;
  /** What stands before the operation in X-Amz-Target. */
  targetPrefix?: string;
  xmlNamespace: string;
  /** Bytes that the body of a request may have, where they may be more than those of other services. */
  documentBytesMax?: (target: Target) => number;
  /** Those it is spoken to in; clients tell by their headers which one it is. */
  protocols: readonly ProtocolName[];
  /** The SDK's package, whose exports hold the schemas. */
  schemas: () => Promise<object>;
  operations: Operations;
  /** Set when it is not here, and none of its operations are. */
  isAbsent?: true;
}
