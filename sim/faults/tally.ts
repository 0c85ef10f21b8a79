/** How often each kind of fault changed something. One that met nothing is none: a kill of what does not run, a cut that nothing crossed. */
export class Tally {
  readonly counts = new Map<string, number>();

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  get total(): number {
    let total = 0;
    for (const count of this.counts.values()) total += count;
    return total;
  }
}
