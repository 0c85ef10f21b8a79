import { basename, join } from "node:path";
import type { Files } from "#/base/files.ts";
import type { InstanceOrder, InstanceReport } from "#/model/hosting.ts";
import type { KeptMoves } from "./moves.ts";

interface Kept {
  order: InstanceOrder;
  /** Reboots that were done. */
  reboots: number;
  /** How it ended by itself under that fence: it is not started again under it. */
  ended?: InstanceReport["ended"] & { fence: number };
  /** Under that fence. */
  crashed?: NonNullable<InstanceReport["crashed"]> & { fence: number };
  /** See moves.ts. */
  moves?: KeptMoves;
}

/** What outlives the agent of an instance: a file in its folder. */
export class InstanceRecord {
  readonly folder: string;
  #files: Files;
  #kept: Kept;
  #written = "";
  #isDurable = false;
  /** Something of it is on disk. */
  #isThere = false;

  constructor(files: Files, folder: string, kept: Kept) {
    this.#files = files;
    this.folder = folder;
    this.#kept = kept;
  }

  /** What an earlier life of the agent has kept in a folder, if anything. Throws where that is damaged or of another shape. */
  static async read(files: Files, folder: string): Promise<InstanceRecord | undefined> {
    const content = await files.read(join(folder, orderFile));
    // Empty where the machine lost its power while it was made ready for the first time.
    if (!content?.length) return undefined;
    const kept = JSON.parse(Buffer.from(content).toString("utf8")) as Kept;
    if (kept.order?.instance !== basename(folder)) throw new Error("it is of another shape");
    const record = new InstanceRecord(files, folder, kept);
    record.#isThere = true;
    return record;
  }

  get order(): InstanceOrder {
    return this.#kept.order;
  }

  get reboots(): number {
    return this.#kept.reboots;
  }

  get ended(): Kept["ended"] {
    return this.#kept.ended;
  }

  get crashed(): Kept["crashed"] {
    return this.#kept.crashed;
  }

  get moves(): KeptMoves | undefined {
    return this.#kept.moves;
  }

  /** Is so from now on, and on disk with the next `keep`. */
  set(news: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...news };
  }

  /**
   * The first that is not `durable` is found by the agent's next life, and may be lost with the machine and all that runs on it. What
   * takes the place of another always is.
   */
  async keep({ durable = true } = {}): Promise<void> {
    const content = JSON.stringify(this.#kept);
    if (content === this.#written && (this.#isDurable || !durable)) return;
    const isDurable = durable || this.#isThere;
    await this.#files.write(join(this.folder, orderFile), content, {
      mode: 0o600,
      durable: isDurable,
    });
    this.#written = content;
    this.#isDurable = isDurable;
    this.#isThere = true;
  }

  /** Resolves when that is on disk. */
  async keepMoves(news: KeptMoves): Promise<void> {
    this.set({ moves: { ...this.moves, ...news } });
    await this.keep();
  }

  /** Removes the whole folder. */
  async remove(): Promise<void> {
    await this.#files.remove(this.folder);
    this.#written = "";
    this.#isThere = false;
  }
}

const orderFile = "order.json";
