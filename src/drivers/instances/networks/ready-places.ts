import { isDeepStrictEqual } from "node:util";
import type { Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { randomText } from "#/base/random.ts";
import type { NetworkNames } from "./names.ts";
import type { NetworksParts } from "./parts.ts";
import type { ScriptShells } from "./script-shells.ts";
import { placeScript, type PlaceShape } from "./place-script.ts";
import { leaveScript } from "./vpc-script.ts";

interface Parts extends Pick<NetworksParts, "clock" | "files" | "log" | "random"> {
  names: NetworkNames;
  shells: ScriptShells;
}

interface Ready {
  place: string;
  shape: PlaceShape;
}

/** What their names begin with, as those of no instance do. */
const placePrefix = "ready-";

/**
 * Places on a VPC's network that wait for a container: a namespace and what leads to it, which the kernel takes longest to make. Nothing
 * passes there, as the VPC's rules do not know of it. There are none before the first container came, nor long after the last one.
 */
export class ReadyPlaces {
  #parts: Parts;
  #vpc: string;
  #ready: Ready[] = [];
  #timers: Timer[] = [];
  /** Those that were taken: what they were called before is forgotten later. */
  #taken: string[] = [];
  #isClosed = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: Parts, vpc: string) {
    this.#parts = parts;
    this.#vpc = vpc;
  }

  /** One that was made like this, if there is one; it is nobody else's then. */
  take(shape: PlaceShape): string | undefined {
    const at = this.#ready.findIndex((one) => isDeepStrictEqual(one.shape, shape));
    const [one] = at === -1 ? [] : this.#ready.splice(at, 1);
    if (one) this.#taken.push(one.place);
    return one?.place;
  }

  /** A container has come to one like this: others may before long. Those that were made otherwise go. */
  more(shape: PlaceShape): void {
    const { clock } = this.#parts;
    this.#forgetTimers();
    if (this.#isClosed) return;
    const end = () => this.#end(() => true);
    this.#timers = [
      clock.after(
        limits.networkPlacesReadyAfterMs,
        () => void this.#next(() => this.#fill(shape)),
        true,
      ),
      clock.after(limits.networkPlacesReadyMs, () => void this.#next(end), true),
    ];
  }

  async #fill(shape: PlaceShape): Promise<void> {
    await this.#end((one) => !isDeepStrictEqual(one.shape, shape));
    const { names, shells, random } = this.#parts;
    while (this.#ready.length < limits.networkPlacesReady) {
      const place = `${placePrefix}${randomText(random, 12)}`;
      await shells.run(placeScript(names, this.#vpc, place, shape)).catch(async (thrown) => {
        await this.#remove(place);
        throw thrown;
      });
      this.#ready.push({ place, shape });
    }
  }

  /** Resolves when none is there, nor will be. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#forgetTimers();
    return this.#next(() => this.#end(() => true));
  }

  async #end(isOver: (one: Ready) => boolean): Promise<void> {
    const over = this.#ready.filter(isOver);
    this.#ready = this.#ready.filter((one) => !over.includes(one));
    for (const place of this.#taken.splice(0)) await this.#forget(place);
    for (const { place } of over) await this.#remove(place);
  }

  /** What has it now keeps it, under its own name. */
  #forget(place: string): Promise<void> {
    const { names, shells } = this.#parts;
    return shells.run(`ip netns delete ${names.namespace(place)} 2>/dev/null || :`);
  }

  #remove(place: string): Promise<void> {
    const { names, shells } = this.#parts;
    return shells.run(leaveScript(names, this.#vpc, place));
  }

  /** One thing after the other. */
  #next(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((thrown: unknown) => {
      this.#parts.log.warn(`no place waits on the network ${this.#vpc}`, {
        error: messageOf(thrown),
      });
    });
    return this.#turn;
  }

  #forgetTimers(): void {
    for (const timer of this.#timers) timer.cancel();
  }
}

/** Removes those that an earlier life of the agent has left. */
export async function removeLeftPlaces({
  files,
  names,
  shells,
}: Pick<Parts, "files" | "names" | "shells">): Promise<void> {
  const left = (await files.list("/run/netns")).filter((name) =>
    name.startsWith(names.namespace(placePrefix)),
  );
  for (const name of left) await shells.run(`ip netns delete ${name}`);
}
