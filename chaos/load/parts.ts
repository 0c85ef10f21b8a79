import type { Dice } from "../dice.ts";
import type { Door } from "../door.ts";
import type { History } from "../history.ts";

/** What a client works with. */
export interface ClientParts {
  door: Door;
  history: History;
  dice: Dice;
  /** Its own number: names that it makes begin with it. */
  client: number;
  /** The object that holds the functions of `work.ts`. */
  module: string;
  /** For the files in which tasks write down that they ran. */
  folder: string;
}

/** One client: works until its door is closed, then throws Over. */
export type Client = (parts: ClientParts) => Promise<void>;
