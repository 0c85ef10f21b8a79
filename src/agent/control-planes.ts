import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { isLoopback } from "#/base/loopback.ts";

/** The time of one link. */
interface Stay {
  readonly url: string;
  /** Aborted when the link is gone. */
  readonly leaving: AbortSignal;
}

/**
 * The addresses at which an agent's cloud is reached, in the order in which it tries them: those that it
 * was told at its start, and those that its cloud tells at each welcome. One that failed goes to the end.
 */
export class ControlPlanes {
  #given: readonly string[];
  /** Those that it was told beyond its start, the last told first. */
  #learned: string[] = [];
  #order: string[];
  #stay: (Stay & { abort: AbortController }) | undefined;
  #arrival = Promise.withResolvers<void>();

  constructor(given: readonly string[], learned: readonly string[]) {
    this.#given = given;
    this.#order = [...given];
    this.learn(learned);
  }

  /** All of them, the next to try first. */
  get urls(): readonly string[] {
    return this.#order;
  }

  /** All of them as one address, with commas between: the one of the link first. */
  get address(): string {
    const first = this.#stay?.url ?? this.#order[0]!;
    return [first, ...this.#order.filter((url) => url !== first)].join(",");
  }

  /** The one that the agent is linked with. */
  get linked(): Stay | undefined {
    return this.#stay;
  }

  /** Resolves when there is a link. */
  get arrival(): Promise<void> {
    return this.#stay ? Promise.resolve() : this.#arrival.promise;
  }

  arrived(url: string): void {
    const abort = new AbortController();
    this.#stay = { url, leaving: abort.signal, abort };
    this.#arrival.resolve();
  }

  /** The link to that one is gone, or never came to be of use. */
  left(url: string, reason: string): void {
    const rest = this.#order.filter((other) => other !== url);
    if (rest.length < this.#order.length) this.#order = [...rest, url];
    if (this.#stay?.url !== url) return;
    const { abort } = this.#stay;
    this.#stay = undefined;
    this.#arrival = Promise.withResolvers();
    abort.abort(new CanopyError("unavailable", `The link to ${url} is gone: ${reason}`));
  }

  /**
   * The cloud has told all its control planes. An address that means "this computer" is of use only to
   * an agent that reached its cloud so: anywhere else it would give its key to whoever listens there. Nor
   * is one spoken to in the clear by an agent that was not.
   */
  learn(urls: readonly string[]): void {
    const wasHere = this.#given.some(isHere);
    const isOpen = this.#given.some((url) => url.startsWith("http:"));
    const told = urls.filter(
      (url) => isAddress(url) && (wasHere || !isHere(url)) && (isOpen || url.startsWith("https:")),
    );
    // One that is not told any more may only not have been heard yet by a new leader: it is kept.
    const known = new Set([...told, ...this.#learned]);
    for (const url of this.#given) known.delete(url);
    this.#learned = [...known].slice(0, limits.controlPlanesKeptMax);
    const wanted = new Set([...this.#given, ...this.#learned]);
    const kept = this.#order.filter((url) => wanted.has(url));
    this.#order = [...new Set([...kept, ...wanted])];
  }

  /** What it was told beyond its start, in an order of its own. */
  get learned(): string[] {
    return this.#learned.toSorted();
  }
}

export function isAddress(url: string): boolean {
  return /^https?:$/.test(URL.parse(url)?.protocol ?? "");
}

/** Whether an address means the computer that asks. */
export function isHere(url: string): boolean {
  return isLoopback(new URL(url).hostname);
}
