import type { Chance } from "#/base/testing/chance.ts";
import type { Door } from "../door.ts";
import type { History } from "../history.ts";

/** What a client works with. */
export interface ClientParts {
  door: Door;
  history: History;
  chance: Chance;
  /** Its own number: names that it makes begin with it. */
  client: number;
  /** The blob that holds the functions of `work.ts`. */
  module: string;
  /** For the files in which tasks write down that they ran. */
  folder: string;
  /** Work that the client does not wait for; what it throws is blamed as the client's own. */
  aside(work: Promise<void>): void;
}

/** One client: works until its door is closed, then throws Over. */
export type Client = (parts: ClientParts) => Promise<void>;
