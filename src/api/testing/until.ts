const waitMsMax = 60_000;

/** Looks until it is so. Throws, saying what it waited for, when that takes more than a minute. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (const endMs = performance.now() + waitMsMax; !(await isSo());) {
    if (performance.now() > endMs) throw new Error(`Waited ${waitMsMax} ms until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
