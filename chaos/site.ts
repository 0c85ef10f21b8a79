import type { Life, Program } from "./processes.ts";

export const victimKinds = [
  "leader",
  "follower",
  "agent",
  "runner",
  "postmaster",
  "backend",
] as const;
export type VictimKind = (typeof victimKinds)[number];

/** What can be killed now. */
export interface Victim {
  kind: VictimKind;
  name: string;
  pid: number;
  /** It has not said yet that it is ready. */
  isStarting?: boolean;
  /** kill -9. What watches over it brings it back after `downMs`. */
  kill(downMs: number): boolean;
  /** Absent for what cannot be paused. */
  pause?: () => boolean;
  resume?: () => void;
}

/** A cloud of real processes. */
export interface Site {
  urls: string[];
  key: string;
  folder: string;
  /** How many are connected when nothing is done to it. */
  machines: number;
  /** Its control planes, and the agents that none of those starts. */
  programs: Pick<Program, "name" | "isReady">[];
  victims(): Victim[];
  /** All control planes are killed and are back when this resolves. */
  restart(): Promise<void>;
  /** What ended by itself, and must not. */
  ownEnds(): string[];
  /** How often a control plane ended as its log was away when it started, and was started again. */
  startsRefused(): number;
  stop(): Promise<void>;
}

export function programVictim(kind: VictimKind, program: Program): Victim[] {
  const { pid } = program;
  if (pid === undefined) return [];
  return [
    {
      kind,
      name: program.name,
      pid,
      isStarting: program.isStarting,
      kill: (downMs) => program.kill(downMs),
      pause: () => program.pause(),
      resume: () => program.resume(),
    },
  ];
}

/** In words, what ended by itself without being allowed to. */
export function ownEndsOf(
  { name, ownEnds }: Program,
  isAllowed: (life: Life) => boolean = () => false,
): string[] {
  return ownEnds
    .filter((life) => !isAllowed(life))
    .map(
      ({ hasSaid, how, said }) =>
        `${name} ended by itself with ${how} ${hasSaid ? "after" : "before"} it was ready, and said: ${said}`,
    );
}
