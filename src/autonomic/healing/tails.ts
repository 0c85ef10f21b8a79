/**
 * The chance of at least `count` among `trials`, when each happens with a chance that was seen before: it happened
 * `hits` times and did not `misses` times. Both may be fractions, and are above 0. The tail of the beta-binomial
 * distribution, which knows that few observations say little.
 */
export function chanceOfAtLeast(
  count: number,
  trials: number,
  { hits, misses }: { hits: number; misses: number },
): number {
  if (count <= 0) return 1;
  if (count > trials) return 0;
  let log = 0;
  for (let at = 0; at < trials; at++) log += Math.log((misses + at) / (hits + misses + at));
  let sum = 0;
  for (let at = 0; at < trials; at++) {
    log += Math.log(((trials - at) / (at + 1)) * ((hits + at) / (misses + trials - at - 1)));
    if (at + 1 >= count) sum += Math.exp(log);
  }
  return Math.min(1, sum);
}
