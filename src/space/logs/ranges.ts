/** Serials as ranges, in order; sorts what it is given. Tasks end in about the order in which they were made: whole ranges go at once. */
export function rangesOf(serials: number[]): [first: number, last: number][] {
  const ranges: [number, number][] = [];
  for (const serial of serials.sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && serial === last[1] + 1) last[1] = serial;
    else ranges.push([serial, serial]);
  }
  return ranges;
}
