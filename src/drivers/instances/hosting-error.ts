import { CanopyError, type ErrorCode } from "#/base/errors.ts";

/**
 * Why an instance is not, or no longer, as it was ordered, by EC2's codes for reasons of state
 * (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html): "Client" when what was asked for cannot
 * be, "Server" when this machine cannot now.
 */
const hostingCodes = {
  /** The image, or what it says of itself, cannot be run. */
  "Client.InvalidImage": "invalid",
  /** What it starts from, or a blob of it, is not to be had. */
  "Client.InvalidSnapshot.NotFound": "not-found",
  /** It ended as soon as it was started. */
  "Client.InstanceInitiatedShutdown": "conflict",
  "Client.InvalidParameterValue": "invalid",
  /** This machine has no memory, processors or kind for it. */
  "Server.InsufficientInstanceCapacity": "no-capacity",
  "Server.InsufficientVolumeCapacity": "no-space",
  /** Something that this machine needs for it failed. */
  "Server.InternalError": "internal",
} as const satisfies Record<string, ErrorCode>;

export type HostingCode = keyof typeof hostingCodes;

/** What is told of an instance that failed: EC2's code, and words for its owner. */
export class HostingError extends CanopyError {
  readonly reasonCode: HostingCode;

  constructor(
    reasonCode: HostingCode,
    message: string,
    more: { hint?: string; cause?: unknown } = {},
  ) {
    super(hostingCodes[reasonCode], message, more);
    this.name = "HostingError";
    this.reasonCode = reasonCode;
  }
}

/** What was thrown as a reason that can be told: what nobody has foreseen is the machine's own fault. */
export function hostingReason(thrown: unknown): { code: string; message: string } {
  if (thrown instanceof HostingError) return { code: thrown.reasonCode, message: thrown.message };
  if (thrown instanceof CanopyError && thrown.code === "no-space")
    return { code: "Server.InsufficientVolumeCapacity", message: thrown.message };
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "Server.InternalError", message };
}
