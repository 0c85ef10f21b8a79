import { join } from "node:path";
import type { EnvironmentBrief, FunctionAbilities } from "#/model/function-wire.ts";
import { Codes } from "./codes.ts";
import { Environment, type EnvironmentEvents } from "./environment.ts";
import { Mounts } from "./mounts.ts";
import type { FunctionParts } from "./parts.ts";
import { Programs } from "./programs.ts";
import { ReadySandboxes } from "./ready-sandboxes.ts";
import { Slots } from "./sandbox.ts";

/** How functions run on this machine. */
export interface Functions {
  readonly abilities: FunctionAbilities;
  /** What cannot start ends with its reason. */
  start(brief: EnvironmentBrief, events: EnvironmentEvents): Environment;
  /** Ends what waits for environments; those are to be ended before. */
  close(): Promise<void>;
}

/** Looks at what this computer can do for functions. Throws CanopyError "unavailable" where sandboxes are not to be had. */
export async function openFunctions(parts: FunctionParts): Promise<Functions> {
  const { files, cages } = parts;
  const base = join(parts.folder, "base");
  const codeFolder = join(parts.folder, "code");
  await files.remove(codeFolder);
  const programs = await Programs.find(parts, base);
  const { abilities } = programs;
  if (abilities.interpreters.length === 0 || !cages) return new NoFunctions(abilities);
  const mounts = await Mounts.open(parts, base);
  const codes = new Codes(parts, codeFolder, (name) => mounts.forgetCode(name));
  const sandboxes = new ReadySandboxes({ parts, cages, mounts, programs, slots: new Slots() });
  return {
    abilities,
    start(brief, events) {
      const environment = new Environment(parts, brief, events);
      void environment.start(codes, sandboxes);
      return environment;
    },
    async close() {
      await sandboxes.close();
      mounts.close();
    },
  };
}

/** A machine that lacks something. */
class NoFunctions implements Functions {
  readonly abilities: FunctionAbilities;

  constructor(abilities: FunctionAbilities) {
    this.abilities = abilities;
  }

  start(_brief: EnvironmentBrief, _events: EnvironmentEvents): Environment {
    throw new Error(`no function runs here: ${this.abilities.missing.join("; ")}`);
  }

  async close(): Promise<void> {}
}
