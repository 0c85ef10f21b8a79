/** As Promise.all, but where one rejects it does so when none is under way any more. */
export async function allDone<T extends unknown[]>(
  ...under: { [Key in keyof T]: Promise<T[Key]> }
): Promise<T> {
  await Promise.allSettled(under);
  return Promise.all(under) as Promise<T>;
}
