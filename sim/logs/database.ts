import { limits } from "#/base/limits.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Kind } from "#/model/record.ts";
import type { Leader, Loaded, SpaceLog } from "#/space/log.ts";
import type { End } from "../world/connection.ts";
import type { Life } from "../world/life.ts";
import type { Machine } from "../world/machine.ts";
import { LogState, type Told } from "./state.ts";
import { read } from "./written.ts";

export const databasePort = 5432;

/** What is asked of the database, one at a time on each connection. */
export type Question =
  | { ask: "follow" }
  | { ask: "leader" }
  | { ask: "lead"; holder: string; url: string }
  | { ask: "beat"; epoch: number }
  | { ask: "resign"; epoch: number }
  | { ask: "settle"; epoch: number; id: string }
  | { ask: "append"; epoch: number; session: number; id: string; batch: string }
  | { ask: "read"; sequence: number; max: number }
  | { ask: "find"; kind: Kind; names: readonly string[] }
  | { ask: "archived"; kind: Kind; options: Parameters<SpaceLog["archived"]>[1] }
  | { ask: "agree"; name: string; proposed: string };

export interface Asked {
  number: number;
  question: Question;
}

export interface Answered {
  /** 0 for news, which nobody asked for. */
  number: number;
  value?: unknown;
  error?: CanopyError;
}

export interface Settled {
  session: number | undefined;
  landed: boolean;
}

export type Appended = "done" | "deposed" | "superseded";

/**
 * A database server: what it has committed stays, whatever becomes of its process; what it has not said
 * may have been committed or not. Who leads is one row, which each append locks and checks.
 */
export class Database {
  readonly machine: Machine;
  epoch = 0;
  #ledger: Told;
  #state = new LogState();
  /** Of batches, as who appends them calls them. */
  #ids = new Set<string>();
  #row: { holder: string; url: string; heardMs: number; resigned: boolean; session: number } = {
    holder: "",
    url: "",
    heardMs: 0,
    resigned: true,
    session: 0,
  };
  #secrets = new Map<string, string>();
  #open = new Set<End>();

  constructor(machine: Machine, ledger: Told) {
    this.machine = machine;
    this.#ledger = ledger;
  }

  boot(): Life {
    const { life } = this.machine.begin();
    this.#open = new Set();
    this.machine.net.listen(this.machine, life, databasePort, {
      link: async () => ({ refused: 404 }),
      request: async () => ({ status: 404, headers: {}, body: new Uint8Array(0) }),
      accept: (end) => this.#accept(life, end),
    });
    return life;
  }

  #accept(life: Life, end: End): void {
    this.#open.add(end);
    end.onGone = () => void this.#open.delete(end);
    let before = Promise.resolve();
    end.onPacket = (packet) => {
      const { number, question } = packet as Asked;
      before = before.then(async () => {
        const answered = await this.#answer(life, number, question, end);
        end.send(answered, 500, "database answers");
      });
      before.catch((thrown: unknown) => this.machine.world.fail(thrown));
    };
  }

  async #answer(life: Life, number: number, question: Question, end: End): Promise<Answered> {
    const { world } = this.machine;
    const isWriting = question.ask === "append" || question.ask === "settle";
    await world.sleep(isWriting ? world.chance.spread(0.3, 5) : 0.2, life, question.ask);
    try {
      const value = this.#carryOut(question, end);
      // it is committed, and takes a moment until that is said
      if (isWriting) await world.sleep(world.chance.spread(0.1, 3), life, "committed");
      return { number, value };
    } catch (thrown) {
      if (!(thrown instanceof CanopyError)) throw thrown;
      return { number, error: thrown };
    }
  }

  #carryOut(question: Question, end: End): unknown {
    const state = this.#state;
    switch (question.ask) {
      case "follow": {
        const { sequence, serial } = state;
        return { sequence, serial, epoch: this.epoch, records: state.records() } satisfies Loaded;
      }
      case "leader":
        return this.#leader();
      case "lead":
        return this.#lead(question.holder, question.url);
      case "beat":
        return this.#leads(question.epoch) && this.#hear();
      case "resign":
        if (this.#leads(question.epoch)) this.#row.resigned = true;
        return this.#tell(end);
      case "settle": {
        const { epoch, id } = question;
        const landed = this.#ids.has(id);
        if (!this.#leads(epoch)) return { session: undefined, landed } satisfies Settled;
        return { session: ++this.#row.session, landed } satisfies Settled;
      }
      case "append":
        return this.#append(question, end);
      case "read":
        return state.read(question.sequence, question.max);
      case "find":
        return state.find(question.kind, question.names);
      case "archived":
        return state.archived(question.kind, question.options);
      case "agree": {
        const { name, proposed } = question;
        if (!this.#secrets.has(name)) this.#secrets.set(name, proposed);
        return this.#secrets.get(name);
      }
    }
  }

  get #nowMs(): number {
    return this.machine.clock.monotonicMs();
  }

  #leads(epoch: number): boolean {
    return epoch === this.epoch && !this.#row.resigned;
  }

  #hear(): true {
    this.#row.heardMs = this.#nowMs;
    return true;
  }

  #leader(): Leader | undefined {
    if (this.epoch === 0) return undefined;
    const { url, heardMs, resigned } = this.#row;
    return { epoch: this.epoch, url, silentMs: resigned ? Infinity : this.#nowMs - heardMs };
  }

  #lead(holder: string, url: string): number | undefined {
    const { holder: leader, heardMs, resigned } = this.#row;
    const isFree = resigned || leader === holder || this.#nowMs - heardMs >= limits.leaderSilentMs;
    if (!isFree) return undefined;
    this.#row = { holder, url, heardMs: this.#nowMs, resigned: false, session: 1 };
    this.epoch++;
    this.#ledger.epoch = this.epoch;
    return this.epoch;
  }

  #append(question: Extract<Question, { ask: "append" }>, end: End): Appended {
    const { epoch, session, id } = question;
    if (!this.#leads(epoch)) return "deposed";
    if (session !== this.#row.session) return "superseded";
    this.#hear();
    const batch = read(question.batch);
    this.#ids.add(id);
    this.#state.take(batch);
    this.#ledger.take(batch);
    this.#tell(end);
    return "done";
  }

  /** Others may look: a hint that gets lost when their connection does. */
  #tell(from: End): void {
    for (const end of this.#open) if (end !== from) end.send({ number: 0 }, 50, "news");
  }
}
