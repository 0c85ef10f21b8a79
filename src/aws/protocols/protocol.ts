import type { IncomingHttpHeaders } from "node:http";
import type { AwsError } from "#/model/aws-error.ts";
import type { Shape } from "../schema/shape.ts";
import type { Service } from "../service.ts";
import type { Target } from "../target.ts";

export type ProtocolName =
  | "restXml"
  | "restJson"
  | "awsQuery"
  | "ec2Query"
  | "awsJson1_0"
  | "awsJson1_1";

/** An operation's schemas. */
export interface OperationShapes {
  name: string;
  input: Shape;
  output: Shape;
  /** Status of its answer, where the protocol has one. */
  status: number;
}

/** A request whose body was read, where it is not a stream. */
export interface Incoming {
  service: Service;
  target: Target;
  headers: IncomingHttpHeaders;
  body: Uint8Array | undefined;
  /** Parts of the path that the operation's address names. */
  labels?: Record<string, string> | undefined;
}

export interface Outgoing {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
}

/** Who is answered, for documents that repeat it. */
export interface Answered {
  service: Service;
  requestId: string;
}

/** One way of writing calls and answers. */
export interface Protocol {
  /** What the call says. Throws AwsError with the protocol's own code for what cannot be read. */
  read(operation: OperationShapes, incoming: Incoming): Record<string, unknown>;
  write(operation: OperationShapes, output: object, answered: Answered): Outgoing;
  /** `error` has been given the service's words. */
  writeError(error: AwsError, answered: Answered, about?: ErrorAbout): Outgoing;
}

/** What the schema of an error adds to it. */
export interface ErrorAbout {
  /** "com.amazonaws.sqs#QueueDoesNotExist". */
  fullName?: string;
  /** What it was called in the query protocol. */
  queryCode?: string;
  /** The status that it had there. */
  queryStatus?: number;
}
