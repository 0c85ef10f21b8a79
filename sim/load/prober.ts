import type { Registers } from "../check/registers.ts";
import type { Chance } from "#/base/chance.ts";
import type { Client } from "./client.ts";

/** Reads and swaps one record over and over, at one control plane after the other: whoever answers from an old state is caught. */
export class Prober {
  isDone = false;
  #client: Client;
  #chance: Chance;
  #registers: Registers;
  #pauseMs: [from: number, to: number];

  constructor(parts: { client: Client; chance: Chance; registers: Registers }) {
    this.#client = parts.client;
    this.#chance = parts.chance;
    this.#registers = parts.registers;
    this.#pauseMs = [100, this.#chance.pick([1_000, 3_000, 10_000])];
  }

  async live(isPast: () => boolean): Promise<void> {
    while (!isPast()) {
      this.#client.turn();
      if (this.#chance.happens(0.7)) await this.#registers.read(this.#client);
      else await this.#registers.swap(this.#client);
      await this.#client.sleep(this.#chance.spread(...this.#pauseMs));
    }
    this.isDone = true;
  }
}
