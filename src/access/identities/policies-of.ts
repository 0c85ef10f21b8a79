import { accountIdOf } from "#/model/account.ts";
import { iamArn, iamName, type IamEntity } from "#/model/iam.ts";
import type { Principal } from "#/model/principal.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { parsed, type IdentityPolicies } from "../policies/authorize.ts";
import type { Policy } from "../policies/policy.ts";
import { managedDocument } from "./managed-policies.ts";

const keptMax = 10_000;

/** The policies of each user and role, put together once and again when anything of IAM has changed. */
export class PolicyBook {
  #space: Space;
  #kept = new Map<string, IdentityPolicies>();

  constructor(space: Space) {
    this.#space = space;
    space.onApplied((changes) => {
      if (changes.some(({ record }) => record.kind.startsWith("iam-"))) this.#kept.clear();
    });
  }

  readonly of = ({ kind, project, name }: Principal): IdentityPolicies => {
    const key = `${kind} ${project}/${name}`;
    const before = this.#kept.get(key);
    if (before) return before;
    if (this.#kept.size >= keptMax) this.#kept.clear();
    const made = this.#gather(kind === "role" ? "iam-role" : "iam-user", project, name);
    this.#kept.set(key, made);
    return made;
  };

  #gather(kind: "iam-user" | "iam-role", project: string, name: string): IdentityPolicies {
    // A federated user of the account itself: what bounds it are its session's policies.
    if (name === "") return { identity: [parsed(everything, "identity")] };
    const record = this.#space.get(kind, iamName(project, name));
    if (!record) return { identity: [] };
    const { spec } = record;
    const entities: IamEntity[] = [spec];
    if ("groups" in spec)
      for (const group of spec.groups) {
        const found = this.#space.get("iam-group", `${project}/${group}`);
        if (found) entities.push(found.spec);
      }
    const identity = entities.flatMap((one) => this.#policiesOf(project, one));
    if (spec.boundary === undefined) return { identity };
    const boundary = documentOf(this.#space, project, spec.boundary);
    // A boundary that is no more bounds everything.
    return { identity, boundary: boundary === undefined ? [] : [parsed(boundary, "identity")] };
  }

  #policiesOf(project: string, { inline, attached }: IamEntity): Policy[] {
    const managed = attached.map((arn) => documentOf(this.#space, project, arn));
    return [...Object.values(inline), ...managed]
      .filter((text) => text !== undefined)
      .map((text) => parsed(text, "identity"));
  }
}

const everything = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});

/** The default version of a managed policy, AWS's or the account's own; undefined when there is none of that ARN. */
export function documentOf(
  space: Pick<Transaction, "get">,
  project: string,
  arn: string,
): string | undefined {
  const managed = managedDocument(arn);
  if (managed !== undefined) return managed;
  const owner = space.get("project", project);
  const record = space.get("iam-policy", iamName(project, arn.slice(arn.lastIndexOf("/") + 1)));
  if (!owner || !record || iamArn("iam-policy", accountIdOf(owner), record.spec) !== arn)
    return undefined;
  const { versions, defaultVersion } = record.spec;
  return versions.find(({ id }) => id === defaultVersion)?.document;
}
