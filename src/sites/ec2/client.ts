import type { EC2Client } from "@aws-sdk/client-ec2";
import { bytesOf } from "#/base/body.ts";
import { CanopyError, type ErrorCode } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Ec2Config } from "#/model/site-config.ts";
import type { SiteParts } from "../parts.ts";

/** What the SDK hands to whoever sends its requests. */
interface SdkRequest {
  method: string;
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
  body?: Uint8Array | string;
}

/** The SDK's client, whose requests go through our network. It reads no file and no environment, and tries once. */
export async function openClient(config: Ec2Config, parts: SiteParts): Promise<EC2Client> {
  const { EC2Client: Client } = await import("@aws-sdk/client-ec2");
  const { region, endpoint, accessKeyId } = config;
  const { secretAccessKey, sessionToken } = parts.secrets;
  if (secretAccessKey === undefined) {
    throw new CanopyError(
      "forbidden",
      `Cannot open '${parts.name}' as it has no secret access key`,
      {
        hint: "Give it in AWS_SECRET_ACCESS_KEY: canopy sites add ec2 … --replace",
      },
    );
  }
  return new Client({
    region,
    ...(endpoint === undefined ? { ignoreConfiguredEndpointUrls: true } : { endpoint }),
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
    },
    maxAttempts: 1,
    retryMode: "standard",
    defaultsMode: "standard",
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    requestHandler: { handle: (request: SdkRequest) => handle(parts, request) } as never,
  });
}

async function handle({ network }: SiteParts, request: SdkRequest) {
  const { method, protocol, hostname, port, path, query, headers, body } = request;
  const url = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`);
  for (const [name, value] of Object.entries(query ?? {}))
    for (const one of [value].flat()) url.searchParams.append(name, one ?? "");
  const answer = await network.request({
    method,
    url: url.href,
    headers,
    ...(body !== undefined && { body }),
  });
  const { status: statusCode } = answer;
  return { response: { statusCode, headers: answer.headers, body: await bytesOf(answer.body) } };
}

/** Errors of Amazon EC2, by https://docs.aws.amazon.com/ec2/latest/devguide/errors-overview.html. */
const codes: Record<string, ErrorCode> = {
  InsufficientInstanceCapacity: "no-capacity",
  InsufficientHostCapacity: "no-capacity",
  InsufficientCapacity: "no-capacity",
  InsufficientFreeAddressesInSubnet: "no-capacity",
  SpotMaxPriceTooLow: "no-capacity",
  MaxSpotInstanceCountExceeded: "no-capacity",
  InstanceLimitExceeded: "no-capacity",
  VcpuLimitExceeded: "no-capacity",
  Unsupported: "no-capacity",
  RequestLimitExceeded: "limited",
  Throttling: "limited",
  ThrottlingException: "limited",
  EC2ThrottledException: "limited",
  // What an answer that was lost has made: it is found by its token.
  IdempotentParameterMismatch: "unavailable",
  InternalError: "unavailable",
  InternalFailure: "unavailable",
  ServiceUnavailable: "unavailable",
  Unavailable: "unavailable",
};

/** What the SDK threw, as `Site` says it: with the provider's own words. */
export function providerError(thrown: unknown, action: string): CanopyError {
  if (thrown instanceof CanopyError) return thrown;
  const { name, message, $metadata } = thrown as Error & {
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  const isRefusal = status !== undefined && status >= 400 && status < 500;
  const code = codes[name] ?? (isRefusal ? "forbidden" : "unavailable");
  return new CanopyError(code, `Cannot ${action}: ${name}: ${message}`, {
    cause: thrown,
    ...(code === "limited" && { retryAfterMs: limits.providerWaitMs }),
  });
}
