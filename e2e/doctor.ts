import assert from "node:assert/strict";
import type { TestCloud } from "./cloud.ts";

interface Finding {
  check: string;
  state: string;
  detail: string;
  remedy?: string;
}

/** What `canopy doctor` finds where these flags say; `told` is all of it in words. */
export async function doctor(cloud: TestCloud, ...flags: string[]) {
  const { code, stdout, stderr } = await cloud.canopy("doctor", "--json", ...flags);
  const findings = stdout === "" ? [] : (JSON.parse(stdout) as Finding[]);
  return {
    code,
    stderr,
    findings,
    of: (check: string) => findings.filter((one) => one.check === check),
    told: findings.map(({ detail }) => detail).join("\n"),
  };
}

/** That the log which these flags name can be started from as it is. */
export async function assertHealthy(cloud: TestCloud, ...flags: string[]): Promise<void> {
  const { code, told, stderr } = await doctor(cloud, ...flags);
  assert.equal(code, 0, told + stderr);
}
