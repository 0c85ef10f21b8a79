/** What each node comes after, by name. */
export type After = ReadonlyMap<string, readonly string[]>;

/**
 * A circle in a graph: nodes of which each comes after the one before it, and the first after the
 * last. Undefined where there is none. Names that are no nodes are passed over. Takes time
 * proportional to nodes and edges, and no stack: chains may be as long as they like.
 */
export function findCycle(after: After): string[] | undefined {
  const state = new Map<string, "open" | "done">();
  for (const start of after.keys()) {
    const path: { name: string; next: number }[] = [];
    const open = (name: string) => {
      state.set(name, "open");
      path.push({ name, next: 0 });
    };
    if (!state.has(start)) open(start);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const before = after.get(top.name)![top.next++];
      if (before === undefined) {
        state.set(top.name, "done");
        path.pop();
      } else if (state.get(before) === "open") {
        const from = path.findIndex(({ name }) => name === before);
        return path
          .slice(from)
          .map(({ name }) => name)
          .reverse();
      } else if (after.has(before) && !state.has(before)) {
        open(before);
      }
    }
  }
  return undefined;
}

/** A circle for people: "a → b → c → a"; the middle of a long one is left out. */
export function describeCycle(cycle: readonly string[]): string {
  const shown =
    cycle.length <= 12
      ? cycle
      : [...cycle.slice(0, 6), `… ${cycle.length - 11} more …`, ...cycle.slice(-5)];
  return [...shown, cycle[0]].join(" → ");
}

/** Names in an order in which each stands behind all that it comes after. The graph must have no circle. */
export function topologicalOrder(after: After): string[] {
  const missing = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  for (const [name, befores] of after) {
    const known = new Set(befores.filter((before) => after.has(before)));
    missing.set(name, known.size);
    for (const before of known) {
      const list = dependents.get(before);
      if (list) list.push(name);
      else dependents.set(before, [name]);
    }
  }
  const order = [...after.keys()].filter((name) => missing.get(name) === 0);
  for (let index = 0; index < order.length; index++) {
    for (const dependent of dependents.get(order[index]!) ?? []) {
      const left = missing.get(dependent)! - 1;
      missing.set(dependent, left);
      if (left === 0) order.push(dependent);
    }
  }
  return order;
}
