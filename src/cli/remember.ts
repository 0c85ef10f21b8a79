import type { Client } from "#/sdk/client.ts";
import { readContexts, writeContexts } from "#/sdk/contexts.ts";
import type { World } from "#/sdk/world.ts";

/** So many control planes of one cloud are remembered. */
const urlsMax = 16;

/**
 * Keeps in its context which control planes a cloud has told of, the one that answered last first, so that the
 * next command reaches it when the one that was named is gone.
 */
export async function rememberControlPlanes(client: Client, world: World): Promise<void> {
  const { url, context } = client.door;
  const urls = client.http.urls.slice(0, urlsMax);
  const isKnown = url.split(",").toSorted().join() === urls.toSorted().join();
  if (context === undefined || isKnown) return;
  const known = await readContexts(world);
  const entry = known.contexts[context];
  if (!entry) return;
  const contexts = { ...known.contexts, [context]: { ...entry, url: urls.join(",") } };
  await writeContexts(world, { ...known, contexts });
}
