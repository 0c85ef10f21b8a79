import type { Sealer } from "#/access/identities/identities.ts";
import { KmsKeys, type KmsParts } from "#/access/kms/keys.ts";
import { VolumeKeys } from "../volume-keys.ts";

/** A master key that is none. */
const plainSealer: Sealer = { seal: (plain) => plain, unseal: (sealed) => sealed };

/** Keys of volumes under a master key that hides nothing. */
export const testVolumeKeys = (
  parts: Omit<KmsParts, "sealer">,
  sealer: Sealer = plainSealer,
): VolumeKeys => new VolumeKeys({ sealer, kms: new KmsKeys({ ...parts, sealer }) });
