import type { EnergyView, ProjectCostView } from "#/model/energy-views.ts";
import { briefDuration, briefGrams } from "#/model/units.ts";
import type { Result } from "../result.ts";
import { co2Of, countOf, energyOf, moneyOf } from "../words.ts";

/** What the pool draws as its work is placed, and what spreading or packing would. */
export function energyResult(energy: EnergyView): Result {
  const { placed, atRest, spread, packed, unknown, measured, placement } = energy;
  const on = placed.watts - atRest.watts;
  const saved = spread.watts > 0 ? 1 - on / spread.watts : 0;
  return {
    type: "record",
    value: energy,
    fields: [
      { title: "machines", value: machinesText(placed.machines, measured, unknown) },
      { title: "as placed", value: drawText(placed) },
      {
        title: "of it at rest",
        value: `${drawText(atRest)}, on ${countOf(atRest.machines)} machines where nothing runs`,
      },
      { title: "spread evenly", value: `${drawText(spread)}, on all ${countOf(spread.machines)}` },
      {
        title: "packed",
        value: `${drawText(packed)}, on ${countOf(packed.machines)}, the others off`,
      },
      {
        title: "saving",
        value: `${Math.round(saved * 100)} % against spreading when what is at rest sleeps or is given back`,
      },
      { title: "placement", value: placement },
    ],
  };
}

function machinesText(known: number, measured: number, unknown: number): string {
  const model = known - measured;
  const parts = [
    ...(measured > 0 ? [`${countOf(measured)} measured`] : []),
    ...(model > 0 ? [`${countOf(model)} by the power model`] : []),
    ...(unknown > 0 ? [`${countOf(unknown)} of unknown power, left out`] : []),
  ];
  return parts.length > 0 ? parts.join(", ") : "none is connected";
}

function drawText({ watts, gramsPerHour }: EnergyView["placed"]): string {
  const co2 =
    gramsPerHour === undefined ? "CO2 unknown" : `${briefGrams(gramsPerHour)} CO2 an hour`;
  return `${Number(watts.toPrecision(3))} W, ${co2}`;
}

export function projectCostResult(cost: ProjectCostView): Result {
  const { project, since, jobs, currency, spent, instances, fleet, usage, isCutShort } = cost;
  const more = isCutShort ? ", as many as are summed" : "";
  return {
    type: "record",
    value: cost,
    fields: [
      { title: "project", value: project },
      { title: "jobs", value: `${countOf(jobs)} since ${since.slice(0, 16)}Z${more}` },
      { title: "spent", value: moneyOf(spent, currency) },
      ...(instances === undefined
        ? []
        : [
            {
              title: "instances",
              value: `${moneyOf(instances.spent, currency)} by ${countOf(instances.count)}, at list price`,
            },
          ]),
      ...(fleet === undefined
        ? []
        : [{ title: "its fleet", value: `${moneyOf(fleet, currency)} billed, used or idle` }]),
      { title: "energy", value: energyOf(usage) },
      { title: "CO2", value: co2Of(usage) },
      { title: "CPU", value: briefDuration(usage.cpuMs) },
    ],
  };
}
