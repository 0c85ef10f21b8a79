import type { Identities, Sealer } from "#/access/identities/identities.ts";
import type { Clock } from "#/base/clock.ts";
import type { Log } from "#/base/log.ts";
import type { Random } from "#/base/random.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import type { Space } from "#/space/space.ts";
import { briefOf } from "./brief.ts";
import { FunctionEvents } from "./events.ts";
import { FunctionPlace } from "./function-place.ts";
import { Functions } from "./functions.ts";
import { Invoker } from "./invoker.ts";
import type { FunctionField } from "./place.ts";

/** What a cloud has of functions. */
export interface OpenFunctions {
  functions: Functions;
  /** Runs calls on machines. */
  invoker: Invoker;
  functionEvents: FunctionEvents;
  /** Functions as places that are told of what happens. */
  functionPlace: FunctionPlace;
}

/** Wires the room; `invoker` and `functionEvents` are to be started. */
export function openFunctions(parts: {
  space: Space;
  blobs: Pick<Blobs, "put" | "get">;
  field: FunctionField;
  sealer: Sealer;
  identities: Identities;
  clock: Clock;
  random: Random;
  log: Log;
  region: string;
}): OpenFunctions {
  const functions = new Functions(parts);
  const ofBriefs = { ...parts, functions };
  const invoker = new Invoker({
    ...parts,
    brief: (target, environment) => briefOf(ofBriefs, target, environment),
  });
  const functionEvents = new FunctionEvents({ ...parts, invoker });
  const functionPlace = new FunctionPlace({ ...parts, events: functionEvents });
  return { functions, invoker, functionEvents, functionPlace };
}
