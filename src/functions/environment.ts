import type { FunctionAbilities, FunctionAnswer } from "#/model/function-wire.ts";
import type { FunctionLink } from "./session.ts";
import type { Target } from "./target.ts";

/** A machine that runs functions, while its link is open. */
export interface FunctionHost {
  readonly machine: string;
  readonly abilities: FunctionAbilities;
  readonly link: FunctionLink;
  readonly environments: Map<string, Environment>;
}

/** A call that was asked for and is not answered yet. */
export interface OpenCall {
  readonly requestId: string;
  readonly target: Target;
  readonly payload: string;
  readonly clientContext?: string | undefined;
  /** The end of what it prints, where its caller wants it. */
  tail: string | undefined;
  /** Since it was asked for, on the monotonic clock. */
  readonly sinceMs: number;
  /** Environments that were started for it in vain. */
  starts: number;
  resolve(answer: FunctionAnswer): void;
  reject(thrown: unknown): void;
}

/** An execution environment, as the cloud sees it. */
export interface Environment {
  readonly name: string;
  readonly pool: Pool;
  readonly host: FunctionHost;
  readonly bornMs: number;
  state: "starting" | "idle" | "busy" | "over";
  /** How long its code took to load, until its first call has told of it. */
  initMs: number | undefined;
  call: OpenCall | undefined;
  idleSinceMs: number;
  releaseMemory(): void;
  /** Gives its processors back; undefined while it holds none. */
  releaseCpus: (() => void) | undefined;
}

/** The environments of one version of a function, and calls that wait for one. */
export class Pool {
  readonly key: string;
  readonly target: Target;
  /** The one that was used last is last. */
  readonly idle: Environment[] = [];
  readonly waiting: OpenCall[] = [];
  starting = 0;
  /** All there are, whatever they do. */
  count = 0;

  constructor(key: string, target: Target) {
    this.key = key;
    this.target = target;
  }

  /** Nobody needs to know of it. */
  get isEmpty(): boolean {
    return this.count === 0 && this.waiting.length === 0;
  }
}

/** Another configuration is another pool, though it be the same version. */
export const poolKeyOf = ({ function: { name }, version, config }: Target): string =>
  `${name}/${version}/${config.revisionId}`;
