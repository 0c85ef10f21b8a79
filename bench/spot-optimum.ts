import type { Market, Terms } from "./spot-market.ts";

/**
 * The least cost at which the work can be done in time by one who knows the whole trace: dynamic programming
 * backwards over time, slack spent and machine held (none, on-demand, spot of each zone). Exact: a start is a jump of
 * `changeoverTicks` in time and slack, for spot only where the zone stays available throughout, since
 * one who knows never starts what is lost before it works, nor leaves a machine before it does.
 */
export function optimum(market: Market, terms: Terms): number {
  const { startTick, workTicks, windowTicks, changeoverTicks, spotPrice } = terms;
  const slackTicks = windowTicks - workTicks;
  if (slackTicks < changeoverTicks) return Infinity;
  const zones = market.zones.length;
  const holds = zones + 2;
  const width = slackTicks + 1;
  const staysTicks = market.zones.map(({ available }) => {
    const stays = new Int32Array(windowTicks + 1);
    for (let tick = windowTicks - 1; tick >= 0; tick--)
      stays[tick] = available[startTick + tick] === 1 ? stays[tick + 1]! + 1 : 0;
    return stays;
  });
  // Of the ticks from `tick` to `tick + changeoverTicks`, the least cost by machine held and slack spent.
  const rows = Array.from({ length: Math.max(1, changeoverTicks) + 1 }, () =>
    new Float64Array(holds * width).fill(Infinity),
  );
  for (let tick = windowTicks; tick >= 0; tick--) {
    const row = rows[tick % rows.length]!;
    const next = rows[(tick + 1) % rows.length]!;
    const begun = changeoverTicks > 0 ? rows[(tick + changeoverTicks) % rows.length]! : row;
    for (let spent = 0; spent < width; spent++) {
      const done = tick - spent;
      if (done < 0 || done >= workTicks || tick === windowTicks) {
        for (let held = 0; held < holds; held++)
          row[held * width + spent] = done >= workTicks ? 0 : Infinity;
        continue;
      }
      let best = spent + 1 < width ? next[spent + 1]! : Infinity;
      const onDemand = 1 + next[width + spent]!;
      row[width + spent] = onDemand;
      for (let zone = 0; zone < zones; zone++) {
        const at = (zone + 2) * width + spent;
        row[at] = staysTicks[zone]![tick]! > 0 ? spotPrice + next[at]! : Infinity;
      }
      const after = spent + changeoverTicks;
      if (after < width) {
        best = Math.min(best, changeoverTicks + begun[width + after]!);
        for (let zone = 0; zone < zones; zone++) {
          if (staysTicks[zone]![tick]! < Math.max(1, changeoverTicks)) continue;
          const started = spotPrice * changeoverTicks + begun[(zone + 2) * width + after]!;
          best = Math.min(best, started);
        }
      }
      row[spent] = best;
      for (let held = 1; held < holds; held++) {
        const at = held * width + spent;
        row[at] = Math.min(row[at]!, best);
      }
    }
  }
  return rows[0]![0]!;
}
