import {
  ageClassHours,
  ageClassOf,
  middleHours,
  survivalChance,
  upTo,
  type Hazards,
} from "./hazard.ts";

/**
 * What it costs to do the rest of the work by the deadline, for every amount of work left, time left, state of
 * the market and machine that is held now: a Markov decision process solved backwards.
 *
 * Time left is kept as slack: time left minus work left. On a machine that works, slack stays as it is; waiting
 * eats it, and so does each changeover. So all that is spent is slack, and the table asks what it is best spent on.
 * A cell does not know the hour, only what is left, so one table serves all work on the same market.
 *
 * The market is the union of the zones: available or not, by age class (see hazard.ts). Within an age class the
 * next class is reached at a constant rate, and each step is at most one change; steps are short against both.
 *
 * Costs are in hours of an on-demand machine.
 */
export interface SpotTable {
  /** Of one step of work and of slack, in hours. */
  stepHours: number;
  workSteps: number;
  slackSteps: number;
  hazards: Hazards;
  /** Least expected cost when nothing runs, or an on-demand machine, or a spot machine (as nothing when lost). */
  nothing: Float32Array;
  onDemand: Float32Array;
  spot: Float32Array;
}

export interface TableQuestion {
  hazards: Hazards;
  /** The most that the table is asked for, in hours. */
  workHours: number;
  slackHours: number;
  /** Booting, loading what was saved, and doing again what was not: of each start of a machine. */
  changeoverHours: number;
  /** Of a spot machine, as a share of the on-demand price. */
  spotPrice: number;
  /** How often a spot machine is lost while another zone has one, per hour. */
  movesPerHour: number;
}

const ages = ageClassHours.length;
const states = 2 * ages;
const workStepsMax = 192;

/** States of the market: first those in which it is available, youngest first, then those in which it is not. */
export function marketState(available: boolean, ageClass: number): number {
  return available ? ageClass : ages + ageClass;
}

export function tabulate(question: TableQuestion): SpotTable {
  const stepHours = question.workHours / workStepsMax;
  const workSteps = workStepsMax;
  const slackSteps = Math.max(1, Math.ceil(question.slackHours / stepHours));
  const size = (workSteps + 1) * (slackSteps + 1) * states;
  const table: SpotTable = {
    stepHours,
    workSteps,
    slackSteps,
    hazards: question.hazards,
    nothing: new Float32Array(size),
    onDemand: new Float32Array(size),
    spot: new Float32Array(size),
  };
  for (let work = 1; work <= workSteps; work++)
    fillRow(table, question, transitionsOf(table), work);
  return table;
}

/** What one step does to each state of the market. */
interface Transitions {
  /** Chance to change side, and the state in which that ends. */
  change: Float64Array;
  changed: Int32Array;
  /** Else, chance to be in an older class, and that state. */
  age: Float64Array;
  older: Int32Array;
}

/** Classes narrower than a step are left for sure, wider ones at a constant rate. A change is half a step old on average. */
function transitionsOf({ hazards, stepHours }: SpotTable): Transitions {
  const all = Array.from({ length: states }, (_, state) => {
    const [ageClass, isAvailable] = [state % ages, state < ages];
    const age = middleHours(ageClass);
    const rates = isAvailable ? hazards.available : hazards.unavailable;
    const width = upTo(ageClass) - ageClassHours[ageClass]!;
    const leaves = width <= stepHours;
    const olderClass = leaves ? ageClassOf(age + stepHours) : Math.min(ages - 1, ageClass + 1);
    return {
      change: 1 - survivalChance(rates, age, stepHours),
      changed: marketState(!isAvailable, ageClassOf(stepHours / 2)),
      age: leaves ? 1 : 1 - Math.exp(-stepHours / width),
      older: marketState(isAvailable, olderClass),
    };
  });
  return {
    change: Float64Array.from(all, ({ change }) => change),
    changed: Int32Array.from(all, ({ changed }) => changed),
    age: Float64Array.from(all, ({ age }) => age),
    older: Int32Array.from(all, ({ older }) => older),
  };
}

/** For each age class in which a machine is started: the chance that it comes to work, and the class it is in then. */
function startingOf({ hazards, changeoverHours }: TableQuestion) {
  return ageClassHours.map((_, ageClass) => {
    const age = middleHours(ageClass);
    return {
      survives: survivalChance(hazards.available, age, changeoverHours),
      older: ageClassOf(age + changeoverHours),
    };
  });
}

/** All cells of one amount of work left; those of less work are there, and those of less slack come first. */
function fillRow(
  table: SpotTable,
  question: TableQuestion,
  transitions: Transitions,
  work: number,
): void {
  const { stepHours, slackSteps, nothing, onDemand, spot } = table;
  const { spotPrice, changeoverHours, movesPerHour } = question;
  const width = slackSteps + 1;
  const changeoverSteps = changeoverHours / stepHours;
  /** Later than the deadline by what takes longer than all of the work. */
  const lateCost = (work + workStepsMax) * stepHours;
  /** What follows a step of nothing, of work on on-demand, and on spot, by slack and state. */
  const afterStep = (values: Float32Array, workLeft: number, slack: number, state: number) => {
    const row = (workLeft * width + slack) * states;
    const change = transitions.change[state]!;
    const age = transitions.age[state]!;
    const older = values[row + transitions.older[state]!]!;
    const stay = age * older + (1 - age) * values[row + state]!;
    return change * values[row + transitions.changed[state]!]! + (1 - change) * stay;
  };
  /** Slack between two steps lies between their values; less than none is late. */
  const between = (at: (slack: number) => number, slack: number) => {
    if (slack < 0) return lateCost;
    const below = Math.floor(slack);
    const share = slack - below;
    return share === 0 ? at(below) : (1 - share) * at(below) + share * at(below + 1);
  };
  const goOnDemand = new Float64Array(width * states);
  const goOnSpot = new Float64Array(width * states).fill(lateCost);
  // A move from zone to zone costs a changeover: on average so many steps of slack for each step of work.
  const movingSteps = movesPerHour * changeoverHours;
  for (let slack = 0; slack < width; slack++) {
    for (let state = 0; state < states; state++) {
      const cell = slack * states + state;
      goOnDemand[cell] = stepHours + afterStep(onDemand, work - 1, slack, state);
      if (state >= ages) continue;
      goOnSpot[cell] =
        spotPrice * stepHours * (1 + movingSteps) +
        between((left) => afterStep(spot, work - 1, left, state), slack - movingSteps);
    }
  }
  const starting = startingOf(question);
  for (let slack = 0; slack < width; slack++) {
    // What is lost is unavailable: those states come first.
    for (let state = states - 1; state >= 0; state--) {
      const isAvailable = state < ages;
      const startOnDemand =
        changeoverHours +
        between((left) => goOnDemand[left * states + state]!, slack - changeoverSteps);
      const wait = slack >= 1 ? afterStep(nothing, work, slack - 1, state) : lateCost;
      let startSpot = lateCost;
      if (isAvailable && slack >= 2 * changeoverSteps) {
        const { survives, older } = starting[state]!;
        const begun = between((left) => goOnSpot[left * states + older]!, slack - changeoverSteps);
        // Lost before it works, on average half way: nothing runs, and that much slack is gone.
        const lost = between(
          (left) => nothing[(work * width + left) * states + ages]!,
          slack - changeoverSteps / 2,
        );
        startSpot =
          survives * (spotPrice * changeoverHours + begun) +
          (1 - survives) * ((spotPrice * changeoverHours) / 2 + lost);
      }
      const cell = slack * states + state;
      const at = work * width * states + cell;
      const start = Math.min(startOnDemand, startSpot, wait, lateCost);
      nothing[at] = start;
      onDemand[at] = Math.min(goOnDemand[cell]!, startSpot, wait);
      spot[at] = isAvailable ? Math.min(goOnSpot[cell]!, start) : start;
    }
  }
}

/** The value of a cell between the grid's, with what is outside at its edge. */
export function valueAt(
  table: SpotTable,
  values: Float32Array,
  workHours: number,
  slackHours: number,
  state: number,
): number {
  const { stepHours, workSteps, slackSteps } = table;
  const width = slackSteps + 1;
  const [work, workShare] = split(workHours / stepHours, workSteps);
  const [slack, slackShare] = split(slackHours / stepHours, slackSteps);
  const row = (work * width + slack) * states + state;
  const nextWork = workShare > 0 ? width * states : 0;
  const nextSlack = slackShare > 0 ? states : 0;
  return (
    (1 - workShare) * ((1 - slackShare) * values[row]! + slackShare * values[row + nextSlack]!) +
    workShare *
      ((1 - slackShare) * values[row + nextWork]! +
        slackShare * values[row + nextWork + nextSlack]!)
  );
}

function split(steps: number, max: number): [whole: number, share: number] {
  const within = Math.min(max, Math.max(0, steps));
  const whole = Math.floor(within);
  return [whole, within - whole];
}
