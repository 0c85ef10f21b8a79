import type { Command } from "commander";
import { briefSize, counted, formatMicros } from "#/model/units.ts";
import type { EvacuatedView } from "#/model/instance-views.ts";
import type { MachineView } from "#/model/views.ts";
import { allOf } from "#/sdk/client.ts";
import { confirm } from "../confirm.ts";
import { instanceCalls } from "../instances/find.ts";
import { column, type Cell, type Result } from "../result.ts";
import type { Cli, Does, Verb } from "../verb.ts";
import { agoOf, labelsOf } from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    command.action(does((cli) => list(cli)));
    command
      .command("list", { isDefault: true })
      .description("List machines")
      .action(does((cli) => list(cli)));
    command
      .command("show")
      .description("Show one machine")
      .argument("<machine>")
      .action(
        does(async (cli, name: string) => {
          const machine = await (await cli.client()).machine(name);
          return record(machine, cli.terminal.world.clock.now());
        }),
      );
    changing(command, does, "cordon", "Give it no new tasks; what runs goes on", () => ({
      cordoned: true,
    }));
    changing(command, does, "uncordon", "Give it tasks again", () => ({ cordoned: false }));
    command
      .command("label")
      .description("Set labels: name=value")
      .argument("<machine>")
      .argument("<labels...>")
      .action(
        does(async (cli, name: string, words: string[]) => {
          const machine = await (
            await cli.client()
          ).changeMachine(name, { labels: labelsOf(words) });
          return {
            type: "done",
            value: machine,
            message: `${machine.name} is labelled ${labelText(machine)}`,
          };
        }),
      );
    command
      .command("evacuate")
      .description("Empty a machine: what runs there as an instance goes elsewhere where it can")
      .argument("<machine>")
      .action(
        does(async (cli, name: string) => {
          const done = await (await instanceCalls(cli)).evacuate(name);
          const exitCode = done.staying.length > 0 ? 1 : 0;
          return { result: { type: "done", value: done, message: evacuated(done) }, exitCode };
        }),
      );
    command
      .command("remove")
      .description("Forget a machine; its agent may not come back with its key")
      .argument("<machine>")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, name: string) => {
          await confirm(
            cli.terminal,
            `remove the machine ${name}`,
            name,
            cli.options["yes"] === true,
          );
          await (await cli.client()).removeMachine(name);
          return { type: "done", value: { name, removed: true }, message: `${name} is removed` };
        }),
      );
  },
};

function evacuated({ machine, moving, restarting, staying }: EvacuatedView): string {
  return [
    `${machine} is cordoned`,
    ...moving.map(({ instance, to }) => `${instance} moves to ${to}, running`),
    ...restarting.map((instance) => `${instance} stops, and is started elsewhere`),
    ...staying.map(({ instance, why }) => `${instance} stays: ${why}`),
  ].join("\n");
}

function changing(
  command: Command,
  does: Does,
  name: string,
  summary: string,
  change: () => { cordoned: boolean },
): void {
  command
    .command(name)
    .description(summary)
    .argument("<machine>")
    .action(
      does(async (cli, machine: string) => {
        const changed = await (await cli.client()).changeMachine(machine, change());
        return {
          type: "done",
          value: changed,
          message: `${changed.name} is ${changed.cordoned ? "cordoned: it gets no new tasks" : "open to tasks"}`,
        };
      }),
    );
}

async function list(cli: Cli): Promise<Result> {
  const client = await cli.client();
  const rows = await Array.fromAsync(allOf((query) => client.machines(query)));
  return {
    type: "table",
    rows,
    columns: machineColumns(cli.terminal.world.clock.now()),
    empty: "No machines yet. Let one join with the line that this prints: canopy join",
  };
}

export function machineColumns(nowMs: number) {
  return [
    column<MachineView>("machine", ({ name }) => name),
    column<MachineView>("state", stateCell),
    column<MachineView>(
      "cpus",
      ({ capacity, free }) =>
        `${free ? (capacity.milliCpus - free.milliCpus) / 1000 : "-"}/${capacity.milliCpus / 1000}`,
      { align: "right" },
    ),
    column<MachineView>(
      "load",
      ({ cpuShare }) => (cpuShare === undefined ? "" : `${Math.round(cpuShare * 100)}%`),
      { align: "right" },
    ),
    column<MachineView>(
      "memory",
      ({ capacity, memoryFreeBytes }) =>
        // What the computer has free may be more than what it gives.
        `${memoryFreeBytes === undefined ? "" : `${briefSize(Math.min(memoryFreeBytes, capacity.memoryBytes))} free of `}${briefSize(capacity.memoryBytes)}`,
      { align: "right" },
    ),
    column<MachineView>("speed", ({ slowness }) => (1 / slowness).toFixed(2), { align: "right" }),
    column<MachineView>("tasks", ({ running }) => String(running), { align: "right" }),
    column<MachineView>("site", ({ site }) => site),
    column<MachineView>("labels", labelText, { flexible: true }),
    column<MachineView>(
      "seen",
      ({ connected, lastSeenAt }) => (connected ? "now" : agoOf(lastSeenAt, nowMs)),
      { align: "right" },
    ),
  ];
}

export function stateCell({ connected, cordoned, standing }: MachineView): Cell {
  if (!connected) return { text: "gone", tone: "red" };
  if (standing?.phase === "isolated") return { text: "isolated", tone: "red" };
  if (standing) return { text: "on trial", tone: "yellow" };
  return cordoned ? { text: "cordoned", tone: "yellow" } : { text: "ready", tone: "green" };
}

function labelText({ labels }: MachineView): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function measureText(measured: NonNullable<MachineView["measured"]>): string {
  const { roundsPerSecond, memoryBytesPerSecond, diskBytesPerSecond, syncMs } = measured;
  const rounds = `${Math.round(roundsPerSecond / 1e6)} million rounds a second on one CPU`;
  const memory = `memory ${briefSize(memoryBytesPerSecond)} a second`;
  return `${rounds}; ${memory}; disk ${briefSize(diskBytesPerSecond)} a second, ${syncMs.toFixed(1)} ms to sync`;
}

function record(machine: MachineView, nowMs: number): Result {
  const { capacity, free, microsPerHour } = machine;
  return {
    type: "record",
    value: machine,
    fields: [
      { title: "machine", value: machine.name },
      { title: "state", value: stateCell(machine) },
      { title: "as", value: machine.standing?.reason },
      { title: "host", value: `${machine.hostname}, ${machine.os} ${machine.arch}` },
      { title: "agent", value: machine.version },
      { title: "site", value: machine.site },
      { title: "labels", value: labelText(machine) },
      { title: "drivers", value: machine.drivers.join(", ") },
      {
        title: "capacity",
        value: `${capacity.milliCpus / 1000} CPUs, ${briefSize(capacity.memoryBytes)}`,
      },
      {
        title: "free",
        value: free && `${free.milliCpus / 1000} CPUs, ${briefSize(free.memoryBytes)}`,
      },
      {
        title: "running",
        value: `${counted(machine.running, "task")}, ${counted(machine.instances, "instance")} of all projects`,
      },
      { title: "hosts", value: hostingText(machine) },
      { title: "lacks", value: machine.hosting?.missing.join("; ") },
      { title: "speed", value: `${(1 / machine.slowness).toFixed(2)} of a usual machine's` },
      { title: "measured", value: machine.measured && measureText(machine.measured) },
      {
        title: "price",
        value: microsPerHour === undefined ? "unknown" : `${formatMicros(microsPerHour)} per hour`,
      },
      { title: "power", value: powerText(machine) },
      { title: "joined", value: agoOf(machine.joinedAt, nowMs) },
      { title: "seen", value: machine.connected ? "now" : agoOf(machine.lastSeenAt, nowMs) },
    ],
  };
}

function hostingText({ hosting }: MachineView): string {
  if (!hosting || hosting.kinds.length === 0) return "no instances";
  const { kinds, hasKvm, networks, storages } = hosting;
  const speed = kinds.some((kind) => kind === "vm" || kind === "microvm")
    ? [hasKvm ? "guests at full speed (KVM)" : "guests emulated, as KVM does not work"]
    : [];
  const net = networks === "full" ? "networks of their own" : "networks by forwarded ports";
  const shared = storages.length > 0 ? [`shares ${storages.join(", ")}`] : [];
  return [kinds.join(", "), ...speed, net, ...shared].join("; ");
}

function powerText({ power }: MachineView): string {
  if (!power) return "unknown";
  const { idleWatts, peakWatts, pue, from, wattsNow } = power;
  const watts = (value: number) => String(Number(value.toPrecision(3)));
  const now = wattsNow === undefined ? "" : `, ${watts(wattsNow)} W now`;
  return `${watts(idleWatts)} to ${watts(peakWatts)} W x ${pue} by the model; tasks by ${from === "measured" ? "what its agent measures" : "the model"}${now}`;
}
