const capability = "security.capability";
const ofOverlay = "trusted.overlay.";

/** Bytes of a file's capabilities (linux/capability.h): version 2 is every root's, version 3 that of one user namespace. */
const bytesOfVersion2 = 20;
const bytesOfVersion3 = 24;

type Attributes = Readonly<Record<string, string>>;

/**
 * What of a layer's attributes a file on the machine may have: those that any user may set, and capabilities that only the container
 * has whose root is `ownerBase`. Bytes are as latin1 has them.
 */
export function attributesHere(attributes: Attributes, ownerBase: number): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("user.")) kept[name] = value;
    if (name !== capability || value.length !== bytesOfVersion2) continue;
    const bytes = Buffer.alloc(bytesOfVersion3);
    bytes.write(value, "latin1");
    bytes[3] = 3;
    bytes.writeUInt32LE(ownerBase, bytesOfVersion2);
    kept[name] = bytes.toString("latin1");
  }
  return kept;
}

/** The same for a file of the machine that goes into a layer; nothing of how overlayfs keeps it. */
export function attributesThere(attributes: Attributes, ownerBase: number): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("user.")) kept[name] = value;
    if (name !== capability || value.length !== bytesOfVersion3) continue;
    const bytes = Buffer.from(value, "latin1");
    if (bytes.readUInt32LE(bytesOfVersion2) !== ownerBase) continue;
    bytes[3] = 2;
    kept[name] = bytes.toString("latin1", 0, bytesOfVersion2);
  }
  return kept;
}

/** It shows nothing that is below it. */
export const isOpaque = (attributes: Attributes): boolean =>
  attributes[`${ofOverlay}opaque`] === "y";

/** Part of it is kept elsewhere: what is there of it is not all. */
export const isPartial = (attributes: Attributes): boolean =>
  attributes[`${ofOverlay}redirect`] !== undefined ||
  attributes[`${ofOverlay}metacopy`] !== undefined;
