import type { StepRecord } from "#/model/step.ts";

/**
 * What the jobs loop remembers of one running job's graph, so that each change costs only what it
 * touches: per step, how many of those before it have not succeeded or are lost, and who stands on it.
 * All of it follows from the records; it is built again at start.
 */
export class JobIndex {
  #nodes = new Map<string, Node>();
  #unended = 0;
  #failed = 0;

  /** Steps that have not ended. */
  get unended(): number {
    return this.#unended;
  }

  /** Steps that have failed. */
  get failed(): number {
    return this.#failed;
  }

  /** Takes in a step as it is now; gives the names of steps that may have something new to do. */
  update(step: StepRecord): string[] {
    let node = this.#nodes.get(step.name);
    if (node?.phase === undefined) node = this.#add(step);
    const before = node.phase;
    const phase = step.status.phase;
    node.phase = phase;
    this.#count(before, -1);
    this.#count(phase, 1);
    const touched = [step.name];
    const gained = Number(phase === "succeeded") - Number(before === "succeeded");
    const broken = Number(isBroken(phase)) - Number(isBroken(before));
    if (gained === 0 && broken === 0) return touched;
    for (const name of node.dependents) {
      const dependent = this.#node(name);
      dependent.missing -= gained;
      dependent.broken += broken;
      if (dependent.missing === 0 || dependent.broken > 0) touched.push(name);
    }
    return touched;
  }

  /** Whether all that the step comes after has succeeded. */
  isFree(name: string): boolean {
    return this.#nodes.get(name)?.missing === 0;
  }

  /** A step before this one that has failed or was cancelled. */
  brokenBefore(step: StepRecord): string | undefined {
    if (!this.#nodes.get(step.name)?.broken) return undefined;
    return step.spec.after.find((name) => isBroken(this.#nodes.get(name)?.phase));
  }

  /** The first step that has failed, in the order they were added. */
  firstFailed(): string | undefined {
    if (this.#failed === 0) return undefined;
    for (const [name, { phase }] of this.#nodes) if (phase === "failed") return name;
    return undefined;
  }

  /** Steps that have not ended. */
  *unendedSteps(): Generator<string> {
    for (const [name, { phase }] of this.#nodes) {
      if (phase === "blocked" || phase === "running") yield name;
    }
  }

  #add(step: StepRecord): Node {
    const node = this.#node(step.name);
    node.phase = "blocked";
    this.#unended++;
    for (const name of step.spec.after) {
      const before = this.#node(name);
      before.dependents.push(step.name);
      if (before.phase !== "succeeded") node.missing++;
      if (isBroken(before.phase)) node.broken++;
    }
    return node;
  }

  /** A step may be named by another before it is taken in itself. */
  #node(name: string): Node {
    let node = this.#nodes.get(name);
    if (!node)
      this.#nodes.set(name, (node = { phase: undefined, missing: 0, broken: 0, dependents: [] }));
    return node;
  }

  #count(phase: Node["phase"], change: number): void {
    if (phase === "blocked" || phase === "running") this.#unended += change;
    if (phase === "failed") this.#failed += change;
  }
}

interface Node {
  phase: StepRecord["status"]["phase"] | undefined;
  missing: number;
  broken: number;
  dependents: string[];
}

function isBroken(phase: Node["phase"]): boolean {
  return phase === "failed" || phase === "cancelled";
}
