import type { Verb } from "../verb.ts";
import { countOf } from "../words.ts";
import { briefSize } from "#/model/units.ts";

export const verb: Verb = {
  define(command, does) {
    command.action(
      does(async (cli) => {
        const client = await cli.client();
        const status = await client.status();
        const { url, from } = client.door;
        const { milliCpus, memoryBytes } = status.capacity;
        return {
          type: "record",
          value: { url, ...status },
          fields: [
            { title: "cloud", value: `${url} (from ${from})` },
            { title: "version", value: status.version },
            { title: "up since", value: status.startedAt },
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
