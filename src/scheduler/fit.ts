import { siteOf, type MachineRecord } from "#/model/machine.ts";
import { placesIn, type Needs } from "#/model/needs.ts";
import { briefSize } from "#/model/units.ts";
import { formatCpus } from "./amounts.ts";
import type { Misfit } from "./explanation.ts";
import type { MachineState, StepState } from "./state.ts";
import { classOfNeeds, type TaskClass } from "./task-class.ts";

/** Whether a machine could ever run such a task, when nothing else ran on it. Worked out once for a class. */
export function fitsMachine(machine: MachineState, taskClass: TaskClass): boolean {
  let fits = machine.fits.get(taskClass);
  if (fits === undefined) {
    fits = lacks(machine.record, taskClass).length === 0;
    machine.fits.set(taskClass, fits);
  }
  return fits;
}

/** Whether a machine takes tasks of a step at this moment, but for the room that they need. */
export function isOpenTo(machine: MachineState, step: StepState, nowMs: number): boolean {
  // on trial it takes what it is given, one by one
  return !machine.record.spec.standing && isOpenOnTrial(machine, step, nowMs);
}

/** The same, also of a machine on trial. */
export function isOpenOnTrial(machine: MachineState, step: StepState, nowMs: number): boolean {
  const { session, leasesUntilMs } = machine;
  const { project } = step.share;
  const { cordoned, reservedFor = step.job, reservedForProject = project } = machine.record.spec;
  const isHeard = session !== undefined && nowMs < leasesUntilMs;
  if (!isHeard || cordoned || reservedFor !== step.job || reservedForProject !== project)
    return false;
  return fitsMachine(machine, step.class);
}

/** Whether the data that such tasks read may not be where the machine is. */
export function isForbidden({ record }: MachineState, { sites, confinedBy }: TaskClass): boolean {
  return confinedBy !== undefined && sites?.includes(siteOf(record.spec)) === false;
}

/** What a machine lacks, as "has 4 CPUs and the task needs 64", and the smallest change with which it would not. */
export interface Lack {
  sentence: string;
  flip: string;
}

/** What a machine lacks for tasks of a class. Nothing when it fits. */
export function lacks(
  { name: machine, status, spec }: MachineRecord,
  taskClass: TaskClass,
): Lack[] {
  const { capacity, drivers } = status;
  const found: Lack[] = [];
  if (!drivers.includes(taskClass.driver)) {
    found.push({
      sentence: `has no driver '${taskClass.driver}' (it has ${drivers.join(", ") || "none"})`,
      flip: `an agent there that has the driver '${taskClass.driver}'`,
    });
  }
  for (const [name, value] of Object.entries(taskClass.labels)) {
    const has = spec.labels[name];
    if (has === value) continue;
    found.push({
      sentence: `${has === undefined ? `has no label ${name}` : `is labelled ${name}=${has}`} and the task needs ${name}=${value}`,
      flip: `the label: canopy machines label ${machine} ${name}=${value}`,
    });
  }
  const { sites, confinedBy } = taskClass;
  if (sites && !sites.includes(siteOf(spec))) {
    const only = sites.join(" or ") || "no site";
    found.push({
      sentence: `is of the site '${siteOf(spec)}' and the task may run at ${only} only${confinedBy ? `, as the policy lets data not leave: ${confinedBy.join(", ")}` : ""}`,
      flip: confinedBy
        ? `that site in the policy's rule for ${confinedBy.join(", ")}`
        : "that site among those that the task asks for",
    });
  }
  if (taskClass.milliCpus > capacity.milliCpus) {
    found.push({
      sentence: `has ${formatCpus(capacity.milliCpus)} and the task needs ${formatCpus(taskClass.milliCpus)}`,
      flip: `tasks that ask for ${formatCpus(capacity.milliCpus)} or less`,
    });
  }
  if (taskClass.memoryBytes > capacity.memoryBytes) {
    found.push({
      sentence: `has ${briefSize(capacity.memoryBytes)} of memory and the task needs ${briefSize(taskClass.memoryBytes)}`,
      flip: `tasks that ask for ${capacity.memoryBytes} bytes of memory or less`,
    });
  }
  return found;
}

/** How many tasks of a class those machines could run at once, with nothing else on them. */
export function placesOn(machines: Iterable<MachineRecord>, taskClass: TaskClass): number {
  let places = 0;
  for (const machine of machines)
    if (lacks(machine, taskClass).length === 0)
      places += placesIn(machine.status.capacity, taskClass);
  return places;
}

/** How far a machine is from fitting: what is wrong in kind counts before what is wrong in size. */
function distance(machine: MachineRecord, taskClass: TaskClass): number {
  const { capacity, drivers } = machine.status;
  const labels = Object.entries(taskClass.labels);
  const missing = labels.filter(([name, value]) => machine.spec.labels[name] !== value).length;
  const over = (part: number, whole: number) => (part > whole ? part / Math.max(whole, 1) : 0);
  return (
    (drivers.includes(taskClass.driver) ? 0 : 1e9) +
    (taskClass.sites && !taskClass.sites.includes(siteOf(machine.spec)) ? 1e8 : 0) +
    missing * 1e6 +
    over(taskClass.milliCpus, capacity.milliCpus) +
    over(taskClass.memoryBytes, capacity.memoryBytes)
  );
}

/** Undefined when so many tasks could run at once, with nothing else running, or no machine has joined yet. */
export function misfit(
  machines: Iterable<MachineRecord>,
  needs: Needs,
  driver: string,
  atOnce = 1,
): Misfit | undefined {
  const taskClass = classOfNeeds(needs, driver);
  if (atOnce > 1) {
    const all = [...machines];
    const alone = misfit(all, needs, driver);
    if (alone || all.length === 0) return alone;
    const places = placesOn(all, taskClass);
    if (places >= atOnce) return undefined;
    const of =
      all.length === 1 ? "the only machine has" : `all ${all.length} machines together have`;
    const sentence = `${atOnce} of its tasks run at once or not at all, and ${of} places for ${places}`;
    return { sentence, nearest: undefined };
  }
  let nearest: MachineRecord | undefined;
  let nearestDistance = Infinity;
  let count = 0;
  for (const machine of machines) {
    count++;
    const away = distance(machine, taskClass);
    if (away === 0) return undefined;
    if (away >= nearestDistance) continue;
    nearest = machine;
    nearestDistance = away;
  }
  if (!nearest) return undefined;
  const of = count === 1 ? "the only machine" : `the nearest of ${count} machines`;
  const reasons = lacks(nearest, taskClass)
    .map(({ sentence }) => sentence)
    .join(", and ");
  return { sentence: `${of}, ${nearest.name}, ${reasons}`, nearest: nearest.name };
}
