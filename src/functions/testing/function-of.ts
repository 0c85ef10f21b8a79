import type { FunctionConfig, FunctionSpec } from "#/model/function.ts";

const config: FunctionConfig = {
  description: "",
  runtime: "nodejs22.x",
  handler: "index.handler",
  role: "arn:aws:iam::1:role/r",
  memoryMb: 128,
  timeoutSeconds: 3,
  ephemeralMb: 512,
  architecture: "x86_64",
  code: { blob: "b", sha256: "s", sizeBytes: 1, unpackedBytes: 1 },
  modifiedAt: 0,
  revisionId: "r1",
};

/** A function of the project "p" as it is made, for tests. */
export function functionOf(
  title: string,
  more: Partial<FunctionSpec> = {},
  latest: Partial<FunctionConfig> = {},
) {
  return {
    kind: "function" as const,
    project: "p",
    name: `p:${title}`,
    spec: { title, accountId: "1", createdAt: 0, latest: { ...config, ...latest }, ...more },
    status: { versions: 0 },
  };
}
