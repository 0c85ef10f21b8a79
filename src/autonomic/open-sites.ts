import type { Access } from "#/access/access.ts";
import { within, type Clock } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { hasOrderEnded } from "#/model/order.ts";
import type { Offer, SiteRecord } from "#/model/site.ts";
import { siteSecrets, type SiteSecrets } from "#/model/site-config.ts";
import type { OpenSite, Site } from "#/sites/site.ts";
import type { Space } from "#/space/space.ts";

export interface OpenSitesParts {
  space: Space;
  access: Pick<Access, "cloudId" | "unseal">;
  open: OpenSite;
  clock: Clock;
  log: Log;
}

interface Entry {
  /** As it was when it was opened. */
  spec: SiteRecord["spec"];
  site: Promise<Site>;
  offers: readonly Offer[];
  looking?: Promise<void> | undefined;
}

/** What a site's secrets are sealed for. */
export function sealedFor(site: string): string {
  return `the site '${site}'`;
}

/**
 * Every site there is, opened. Looks at each again and again: what it offers is kept here, and whether it
 * answers is written to its record. Only a leader does this.
 */
export class OpenSites {
  #parts: OpenSitesParts;
  #entries = new Map<string, Entry>();
  #loop: Loop | undefined;
  #unfollow: (() => void) | undefined;

  constructor(parts: OpenSitesParts) {
    this.#parts = parts;
  }

  start(): void {
    const { space, clock, log } = this.#parts;
    const turn = async () => {
      this.#removeEmptied();
      for (const name of this.#entries.keys()) if (!space.get("site", name)) this.#drop(name);
      await this.#forgetRemoved();
      const names = [...space.list("site")].map(({ name }) => name);
      await Promise.all(names.map((name) => this.look(name)));
    };
    const loop = startLoop("sites", turn, { clock, log, everyMs: limits.siteLookMs });
    this.#loop = loop;
    this.#unfollow = space.onApplied((changes) => {
      const isNew = ({ op, record }: (typeof changes)[number]) =>
        (record.kind === "site" &&
          (op !== "put" || this.#entries.get(record.name)?.spec !== record.spec)) ||
        (record.kind === "order" && hasOrderEnded(record) && this.#isRemoving(record.spec.site));
      if (changes.some(isNew)) loop.wake();
    });
    loop.wake();
  }

  stop(): void {
    this.#unfollow?.();
    this.#loop?.stop();
    for (const name of this.#entries.keys()) this.#drop(name);
  }

  /** What every healthy site would give, as of its last look. */
  offers(): Offer[] {
    return [...this.#entries.keys()].flatMap((name) => this.offersOf(name));
  }

  offersOf(name: string): readonly Offer[] {
    const entry = this.#entries.get(name);
    const record = this.#parts.space.get("site", name);
    if (!entry || entry.spec !== record?.spec || record.status.removing) return [];
    return entry.offers;
  }

  #isRemoving(name: string): boolean {
    return this.#parts.space.get("site", name)?.status.removing === true;
  }

  /** Sites that are to go, and hold no machines any more. */
  #removeEmptied(): void {
    const { space, log } = this.#parts;
    const open = new Set<string>();
    for (const order of space.all("order")) if (!hasOrderEnded(order)) open.add(order.spec.site);
    const gone = [...space.list("site")].filter(
      ({ name, status }) => status.removing && !open.has(name),
    );
    if (gone.length === 0) return;
    space.commit((tx) => {
      for (const { name } of gone) tx.delete("site", name);
    });
    for (const { name } of gone) log.info(`the site ${name} is removed`, {});
  }

  /** Keys of sites that were removed, also while another control plane led, are not kept here. */
  async #forgetRemoved(): Promise<void> {
    const { space, open, log } = this.#parts;
    const isWanted = (name: string) => space.get("site", name) !== undefined;
    try {
      const gone = (await open.forget?.(isWanted)) ?? [];
      // One that was added again meanwhile keeps its files anew.
      for (const name of gone) if (this.#entries.has(name)) this.#drop(name);
    } catch (thrown) {
      log.warn("what is kept of removed sites was not removed", { error: messageOf(thrown) });
    }
  }

  /** The site itself. Throws CanopyError "not-found", and what its opening throws. */
  site(name: string): Promise<Site> {
    return this.#entry(name).site;
  }

  /** Asks the site what it offers, and writes down whether it answers. Never throws. */
  async look(name: string): Promise<void> {
    if (!this.#parts.space.get("site", name)) return;
    const entry = this.#entry(name);
    entry.looking ??= this.#look(name, entry).finally(() => (entry.looking = undefined));
    await entry.looking;
  }

  async #look(name: string, entry: Entry): Promise<void> {
    const { clock, log } = this.#parts;
    let reason: string | undefined;
    try {
      const asked = entry.site.then((site) => site.offers());
      const offers = await within(clock, limits.siteAnswerMs, asked);
      if (!offers) reason = `it did not answer within ${limits.siteAnswerMs / 1000} s`;
      entry.offers = offers ?? [];
    } catch (thrown) {
      if (thrown instanceof CanopyError && thrown.code === "limited") return; // what it said last still holds
      if (!(thrown instanceof CanopyError))
        log.error(`the site ${name} met a fault of ours`, { error: String(thrown) });
      reason = messageOf(thrown);
      entry.offers = [];
    }
    await this.#tell(name, entry, reason);
  }

  async #tell(name: string, entry: Entry, reason: string | undefined): Promise<void> {
    const { space, clock, log } = this.#parts;
    const health = reason === undefined ? "healthy" : "unhealthy";
    const known = space.get("site", name);
    if (!known || known.spec !== entry.spec || known.status.removing) return;
    if (known.status.health === health && known.status.reason === reason) return;
    const isTurn = known.status.health !== health;
    if (isTurn) log.info(`the site ${name} is ${health}`, reason === undefined ? {} : { reason });
    const since = isTurn ? clock.now() : known.status.since;
    const status = { health, since, ...(reason !== undefined && { reason }) } as const;
    await space.commit((tx) => {
      const record = tx.get("site", name);
      if (record?.spec !== entry.spec) return;
      const { markets } = record.status;
      tx.put<"site">({ ...record, status: { ...status, ...(markets && { markets }) } });
    }).durable;
  }

  #entry(name: string): Entry {
    const { space, open, access } = this.#parts;
    const record = space.get("site", name);
    if (!record) {
      throw new CanopyError("not-found", `Cannot find the site '${name}'`, {
        hint: "See them all: canopy sites",
      });
    }
    const known = this.#entries.get(name);
    if (known?.spec === record.spec) return known;
    this.#drop(name);
    const { spec } = record;
    const site = (async () => {
      const secrets = secretsOf(record, access);
      return open({ name, cloudId: access.cloudId, config: spec.config, secrets });
    })();
    site.catch(() => {}); // whoever looks at it is told
    const entry: Entry = { spec, site, offers: [] };
    this.#entries.set(name, entry);
    return entry;
  }

  /** Closes what was opened; the machines stay. */
  #drop(name: string): void {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    entry?.site
      .then((site) => site.close())
      .catch((thrown: unknown) => {
        this.#parts.log.warn(`the site ${name} was not closed`, { error: messageOf(thrown) });
      });
  }
}

function secretsOf({ name, spec }: SiteRecord, access: Pick<Access, "unseal">): SiteSecrets {
  if (spec.sealed === undefined) return {};
  return siteSecrets.parse(JSON.parse(access.unseal(spec.sealed, sealedFor(name))));
}
