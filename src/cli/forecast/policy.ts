import { CanopyError } from "#/base/errors.ts";
import type { TriedPolicyInput } from "#/model/forecast-views.ts";
import { nearestWord } from "#/model/nearest-word.ts";
import { schedulingPolicies } from "#/model/scheduling-policy.ts";
import { readPolicyFile } from "../policy/read.ts";
import type { Cli } from "../verb.ts";

export const policyHelp = `${schedulingPolicies.join(", ")}, or a policy file (policy.yaml)`;

/** "cheap" or "policy.yaml": a policy that has a name, else one in a file. Throws what `readPolicyFile` throws. */
export async function triedPolicy(cli: Cli, word: string): Promise<TriedPolicyInput> {
  const named = schedulingPolicies.find((name) => name === word);
  if (named) return named;
  if (!/[./]/.test(word)) {
    const near = nearestWord(word, schedulingPolicies);
    throw new CanopyError(
      "invalid",
      `Cannot try the policy '${word}' as it must be one of ${schedulingPolicies.join(", ")}, or a file`,
      { hint: near === undefined ? "For a file: --policy policy.yaml" : `Did you mean '${near}'?` },
    );
  }
  return { title: word, rules: await readPolicyFile(cli, word) };
}
