/** The header by which a cloud tells its control planes: their URLs, with commas between. */
const header = "canopy-control-planes";

/**
 * The control planes of one cloud, each of which will do. Begins with those that an address names, with commas
 * between, and learns others from answers; one that goes over a less safe way than those named is never spoken to.
 */
export class ControlPlanes {
  #urls: string[];
  #at = 0;

  constructor(address: string) {
    this.#urls = address.split(",");
  }

  /** The one that answered last, or the first. */
  get url(): string {
    return this.#urls[this.#at]!;
  }

  /** All that are known, that one first. */
  get urls(): string[] {
    return [...this.#urls.slice(this.#at), ...this.#urls.slice(0, this.#at)];
  }

  get count(): number {
    return this.#urls.length;
  }

  /** Goes on to the next one. */
  next(): void {
    this.#at = (this.#at + 1) % this.#urls.length;
  }

  learn(headers: Record<string, string>): void {
    const told = headers[header];
    if (told === undefined) return;
    const { protocol } = new URL(this.url);
    for (const url of told.split(",")) {
      if (URL.parse(url)?.protocol === protocol && !this.#urls.includes(url)) this.#urls.push(url);
    }
  }
}
