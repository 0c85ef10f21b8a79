import type { DoorParts } from "../parts.ts";

/** Links are for who leads: agents open them again, and come to the next leader. Never resolves. */
export async function cutLinksInTime({
  standing,
  relay,
}: Pick<DoorParts, "standing" | "relay">): Promise<void> {
  for (let wasLeading = false; ;) {
    const { isLeading } = standing;
    if (wasLeading && !isLeading) relay.close("another control plane leads");
    wasLeading = isLeading;
    await standing.changed();
  }
}
