import type { Program } from "./processes.ts";

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
  victims(): Victim[];
  /** All control planes are killed and are back when this resolves. */
  restart(): Promise<void>;
  /** Which of these may end by itself, as its log was killed under it. */
  ownEnds(): string[];
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
      kill: (downMs) => program.kill(downMs),
      pause: () => program.pause(),
      resume: () => program.resume(),
    },
  ];
}
