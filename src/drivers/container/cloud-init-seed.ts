import type { InstanceOrder } from "#/model/hosting.ts";

/** Where cloud-init looks before it asks anybody. */
export const seedFolder = "/var/lib/cloud/seed/nocloud";

/**
 * What cloud-init is told in an init's container, by file. Its datasource of EC2 knows an instance by its hardware, which a
 * container has none of, and would ask without a token
 * (https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html).
 */
export function seedOf({
  kind,
  instance,
  network,
  metadata,
}: InstanceOrder): Record<string, Buffer> {
  if (kind !== "system" || !metadata.isEnabled) return {};
  const key = metadata.documents["meta-data/public-keys/0/openssh-key"];
  const about = {
    "instance-id": instance,
    "local-hostname": network.hostname || instance,
    ...(key !== undefined && { "public-keys": [key] }),
  };
  return {
    "meta-data": yaml(about),
    // Its address is there before its init is, which may not give it another one.
    "network-config": yaml({ config: "disabled" }),
    "user-data": Buffer.from(metadata.userData ?? "", "base64"),
  };
}

/** JSON is YAML. */
const yaml = (value: unknown) => Buffer.from(`${JSON.stringify(value)}\n`);
