import type { Verb } from "../verb.ts";
import { countOf } from "../words.ts";
import type { StatusView } from "#/model/views.ts";
import { briefSize } from "#/model/units.ts";

export const verb: Verb = {
  define(command, does) {
    command.action(
      does(async (cli) => {
        const client = await cli.client();
        const status = await client.status();
        const { from } = client.door;
        const { url } = client;
        const { milliCpus, memoryBytes } = status.capacity;
        return {
          type: "record",
          value: { url, ...status },
          fields: [
            { title: "cloud", value: `${url} (from ${from})` },
            { title: "version", value: status.version },
            { title: "up since", value: status.startedAt },
            ...controlPlanes(status.controlPlanes),
            {
              title: "you are",
              value: `${status.caller.name}, ${status.caller.role} in the project ${status.project}`,
            },
            {
              title: "machines",
              value: `${status.machinesConnected} of ${status.machines} connected`,
            },
            { title: "capacity", value: `${milliCpus / 1000} CPUs, ${briefSize(memoryBytes)}` },
            { title: "jobs", value: `${countOf(status.jobsRunning)} running` },
            {
              title: "tasks",
              value: `${countOf(status.tasksRunning)} running, ${countOf(status.tasksWaiting)} waiting`,
            },
            {
              title: "game day",
              value: status.gameDay && { text: `${status.gameDay} is on`, tone: "yellow" },
            },
          ],
        };
      }),
    );
  },
};

/** Nothing for one alone; else a line for each, the leader first. */
function controlPlanes(planes: StatusView["controlPlanes"]) {
  if (planes.length === 1) return [];
  const newest = Math.max(...planes.map(({ sequence }) => sequence));
  return planes.map(({ url, role, sequence, behindMs }) => {
    const behind = `${countOf(newest - sequence)} batches behind, as of ${behindMs} ms ago`;
    return { title: role, value: role === "leader" ? url : `${url}, ${behind}` };
  });
}
