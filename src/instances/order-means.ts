import type { Sealer } from "#/access/identities/identities.ts";
import type { MetadataOrder } from "#/model/hosting.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { Space } from "#/space/space.ts";
import type { InstanceIdentity } from "./instance-identity.ts";
import { metadataOf } from "./metadata.ts";
import type { OrderMeans } from "./orders.ts";
import type { RoleCredentials } from "./role-credentials.ts";
import type { VolumeKeys } from "./volume-keys.ts";

export const sealedForMove = (migration: string) => `migration ${migration}`;

export function orderMeans({
  space,
  access,
  volumeKeys,
  region,
  credentials,
  identity,
}: {
  space: Space;
  access: Pick<Sealer, "unseal">;
  volumeKeys: Pick<VolumeKeys, "open">;
  region: string;
  /** Of instances' roles; absent where nobody has one. */
  credentials?: Pick<RoleCredentials, "documentsOf">;
  /** Signs identity documents; absent where nobody asks for signatures. */
  identity?: Pick<InstanceIdentity, "documentsOf">;
}): OrderMeans {
  return {
    space,
    metadataOf: (instance: InstanceRecord): MetadataOrder =>
      metadataOf(instance, {
        space,
        region,
        ofRole: credentials?.documentsOf(instance) ?? {},
        signed: identity && ((document) => identity.documentsOf(instance.spec, document)),
      }),
    keyOf: (sealedKey, volume) => volumeKeys.open(sealedKey, volume),
    moveKeyOf: ({ sealedKey, migration }) => access.unseal(sealedKey, sealedForMove(migration)),
    addressOf: (machine) => {
      const url = space.get("machine", machine)?.status.peerUrl;
      return url === undefined ? undefined : new URL(url).hostname;
    },
  };
}
