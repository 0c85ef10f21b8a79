// Counts primes in twenty parts, on every core of every machine: canopy run examples/primes.ts 2000000
import { job, task } from "canopy-cloud/sdk";

export const countPrimes = task(
  (from: number, to: number) => {
    let count = 0;
    for (let n = Math.max(2, from); n < to; n++) {
      let isPrime = true;
      for (let d = 2; d * d <= n && isPrime; d++) isPrime = n % d !== 0;
      if (isPrime) count++;
    }
    return count;
  },
  { cpus: 1, retries: 3 },
);

export default job(async (upTo: number = 1_000_000) => {
  const size = upTo / 20;
  const parts = Array.from({ length: 20 }, (_, i): [number, number] => [i * size, (i + 1) * size]);
  let primes = 0;
  for await (const count of countPrimes.starmap(parts, { ordered: false })) primes += count;
  return primes;
});
