import type { CanopyError } from "#/base/errors.ts";
import type { Leftover, Site } from "#/sites/site.ts";

/** A site whose answers get lost, and that refuses now and then. */
export function unreliable(site: Site, fault: () => CanopyError | undefined): Site {
  const called = async <T>(call: () => Promise<T>): Promise<T> => {
    const met = fault();
    // "unavailable" is an answer that got lost: what was asked for was done.
    if (met?.code === "unavailable") await call();
    if (met) throw met;
    return call();
  };
  return {
    offers: () => site.offers(),
    acquire: (order) => called(() => site.acquire(order)),
    held: () => called(() => site.held()),
    release: (order) => called(() => site.release(order)),
    close: () => site.close(),
  };
}

/** A site at which ended machines left something, until it is deleted. */
export function littered(site: Site, leftovers: Leftover[] = []): Site {
  return {
    ...site,
    sweep(isWanted) {
      const deleted = leftovers.filter(({ order }) => !isWanted(order));
      for (const one of deleted) leftovers.splice(leftovers.indexOf(one), 1);
      return Promise.resolve(deleted);
    },
  };
}
