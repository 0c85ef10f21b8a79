/** Lets all pending reactions of promises run, however many follow each other, without any clock. */
export function reactions(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
