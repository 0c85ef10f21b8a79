/**
 * Chance that follows from a seed and a place alone: the n-th throw of a game day is the same after a
 * start of the control plane, and when its seed is given again. Numbers are made by splitmix32's mixing
 * (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014), in [0, 1).
 */
export function dice(seed: number, throwNumber: number, face: number): number {
  let mixed = mix(seed >>> 0);
  mixed = mix(mixed ^ throwNumber);
  mixed = mix(mixed ^ (face + 0x51ed270b));
  return mixed / 2 ** 32;
}

/** One of them. */
export function drawn<T>(list: readonly T[], fraction: number): T {
  return list[Math.min(list.length - 1, Math.floor(fraction * list.length))]!;
}

function mix(value: number): number {
  let mixed = (value + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
