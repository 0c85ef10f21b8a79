/**
 * The smallest program: a task over many inputs.
 *
 *   canopy run examples/hello.ts 10
 */
import { job, task } from "canopy-cloud/sdk";

export const greet = task((name: string) => `hello, ${name}`);

export default job(async (count = "3") => {
  const names = Array.from({ length: Number(count) }, (_, index) => `machine ${index + 1}`);
  for await (const greeting of greet.map(names)) console.log(greeting);
  return names.length;
});
