/** "microvm" has neither firmware nor buses; "q35" has all that a computer has. */
export type MachineType = "microvm" | "q35";

/** What is written down of a guest beside it, so that another life of the agent finds it again. */
export interface Machine {
  instance: string;
  fence: number;
  pid: number;
  /** Tells this process from a later one of the same number. */
  ticks: number;
  startedAt: number;
  type: MachineType;
  /**
   * Its memory is a file that we copy ourselves when it moves: QEMU before 9.1 loses track of what guests write that it emulates
   * (their translated addresses are not forgotten when a page counts as sent).
   */
  isEmulated: boolean;
  memoryBytes: number;
  /** The folder that is its root, and the user that it runs as. */
  jail?: Jail;
  /** It may run on another machine, and so is never to run here again. */
  hasLeft?: true;
  hasDisplay: boolean;
}

export interface Jail {
  root: string;
  user: number;
}

/** Paths beside a guest, in its folder. */
export const machineFile = (folder: string) => `${folder}/machine.json`;
export const monitorSocket = (folder: string) => `${folder}/monitor`;
export const consoleSocket = (folder: string) => `${folder}/console`;
export const consoleFile = (folder: string) => `${folder}/console.log`;
export const wordsFile = (folder: string) => `${folder}/emulator.log`;

/** A place beside a guest, as its QEMU sees it and as we do. */
export interface Passage {
  inside: string;
  outside: string;
}

/** Where what it is sent or sends passes. */
export function passage(folder: string, jail: Jail | undefined, name: string): Passage {
  return jail
    ? { inside: `/passage/${name}`, outside: `${jail.root}/passage/${name}` }
    : { inside: name, outside: `${folder}/${name}` };
}
