import type { Identities } from "#/access/identities/identities.ts";
import type { SessionKeys } from "#/access/identities/sessions.ts";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { iamArn, iamName } from "#/model/iam.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { Space } from "#/space/space.ts";

interface Given {
  keys: SessionKeys;
  /** The role that they act as: another one of the same name is another. */
  roleId: string;
  givenAt: number;
}

/**
 * Credentials that an instance finds in its metadata, of the role of its instance profile. They are kept nowhere but here, and given
 * anew long before they end; another control plane gives others, and both count.
 */
export class RoleCredentials {
  #space: Pick<Space, "get">;
  #identities: Pick<Identities, "makeSession" | "accountIdOf">;
  #clock: Pick<Clock, "now">;
  #given = new Map<string, Given>();

  constructor(parts: {
    space: Pick<Space, "get">;
    identities: Pick<Identities, "makeSession" | "accountIdOf">;
    clock: Pick<Clock, "now">;
  }) {
    this.#space = parts.space;
    this.#identities = parts.identities;
    this.#clock = parts.clock;
  }

  /** Documents below "iam/"; none for an instance without a profile. */
  documentsOf({ name, project, spec }: InstanceRecord): Record<string, string> {
    const profile =
      spec.profile === undefined
        ? undefined
        : this.#space.get("iam-instance-profile", iamName(project, spec.profile));
    if (!profile) return {};
    const now = this.#clock.now();
    const accountId = this.#identities.accountIdOf(project);
    const info = {
      Code: "Success",
      LastUpdated: wholeSeconds(profile.spec.createdAt),
      InstanceProfileArn: iamArn("iam-instance-profile", accountId, profile.spec),
      InstanceProfileId: profile.spec.id,
    };
    const documents = { "iam/info": textOf(info) };
    const role =
      profile.spec.role === undefined
        ? undefined
        : this.#space.get("iam-role", iamName(project, profile.spec.role));
    if (!role) return documents;
    const { keys, givenAt } = this.#current(name, now, role);
    const credentials = {
      Code: "Success",
      LastUpdated: wholeSeconds(givenAt),
      Type: "AWS-HMAC",
      AccessKeyId: keys.accessKeyId,
      SecretAccessKey: keys.secret,
      Token: keys.token,
      Expiration: wholeSeconds(keys.expiresAt),
    };
    return { ...documents, [`iam/security-credentials/${role.spec.name}`]: textOf(credentials) };
  }

  #current(
    instance: string,
    now: number,
    { project, spec }: { project: string; spec: { id: string; name: string } },
  ): Given {
    const known = this.#given.get(instance);
    if (known?.roleId === spec.id && known.keys.expiresAt - now > limits.roleCredentialsRenewMs)
      return known;
    this.#forgetOver(now);
    const keys = this.#identities.makeSession({
      project,
      as: { kind: "role", name: spec.name, id: spec.id },
      sessionName: instance,
      expiresAt: now + limits.roleCredentialsMs,
    });
    const given = { keys, roleId: spec.id, givenAt: now };
    this.#given.set(instance, given);
    return given;
  }

  #forgetOver(now: number): void {
    for (const [instance, { keys }] of this.#given)
      if (keys.expiresAt <= now) this.#given.delete(instance);
  }
}

/** As the metadata service words times: without fractions, which some clients do not take. */
const wholeSeconds = (time: number) => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");

const textOf = (document: object) => JSON.stringify(document, undefined, 2);
