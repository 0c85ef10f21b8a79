import { CanopyError } from "#/base/errors.ts";
import { briefDuration, briefSize } from "#/model/units.ts";
import type { TaskDetail, TaskView } from "#/model/views.ts";
import { parseCount } from "../count.ts";
import { column, type Field } from "../result.ts";
import type { Verb } from "../verb.ts";
import { briefGramsOf, energyOf, phaseCell, spanOf } from "../words.ts";

const limitDefault = 50;

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<name>", "a job (j0f3k2m9x1ab2), or one task of it (j0f3k2m9x1ab2/0/7)")
      .option(
        "--phase <phase>",
        "only those: ready, waiting, running, succeeded, failed or cancelled",
      )
      .option("-n, --limit <count>", `at most so many, ${limitDefault} when absent`, parseCount)
      .action(
        does(async (cli, name: string) => {
          const { phase, limit = limitDefault } = cli.options as { phase?: string; limit?: number };
          const client = await cli.client();
          const [job = "", step, index, ...more] = name.split("/");
          if (more.length > 0 || (step !== undefined && index === undefined)) {
            throw new CanopyError(
              "invalid",
              `Cannot show tasks as the name must be a job or a task: current value is '${name}'`,
            );
          }
          if (step !== undefined) {
            const task = await client.task(job, Number(step), Number(index));
            return { type: "record", value: task, fields: fieldsOf(task) };
          }
          const page = await client.tasks(job, {
            limit,
            ...(phase === undefined ? {} : { phase }),
          });
          const nowMs = cli.terminal.world.clock.now();
          return {
            type: "table",
            rows: page.items,
            columns: columnsOf(nowMs),
            empty: phase === undefined ? "It has no tasks." : `None of its tasks is ${phase}.`,
            note:
              page.next === undefined
                ? undefined
                : `There are more. See them with: canopy tasks ${job} --limit ${limit * 10}`,
          };
        }),
      );
  },
};

function columnsOf(nowMs: number) {
  return [
    column<TaskView>("task", ({ id }) => id),
    column<TaskView>("kind", ({ title }) => title, { flexible: true }),
    column<TaskView>("phase", ({ phase }) => phaseCell(phase)),
    column<TaskView>("machine", ({ machine }) => machine ?? ""),
    column<TaskView>(
      "time",
      ({ usage, runningSince }) =>
        usage ? briefDuration(usage.wallMs) : spanOf(runningSince, undefined, nowMs),
      { align: "right" },
    ),
    column<TaskView>("attempts", ({ attempts, lost }) => String(attempts.length + lost), {
      align: "right",
    }),
    column<TaskView>("error", ({ attempts }) => attempts.at(-1)?.error.message ?? "", {
      flexible: true,
    }),
  ];
}

function fieldsOf(task: TaskDetail): Field[] {
  const { usage } = task;
  return [
    { title: "task", value: task.id },
    { title: "kind", value: task.title },
    { title: "phase", value: phaseCell(task.phase) },
    { title: "machine", value: task.machine },
    {
      title: "input",
      value: task.inputBlob === undefined ? task.input : `blob ${task.inputBlob}`,
    },
    {
      title: "result",
      value: task.resultBlob === undefined ? task.result : `blob ${task.resultBlob}`,
    },
    ...Object.entries(task.outputs).map(([path, key]) => ({
      title: `output ${path}`,
      value: `blob ${key}`,
    })),
    { title: "exit code", value: task.exitCode === undefined ? undefined : String(task.exitCode) },
    {
      title: "time",
      value: usage && `${briefDuration(usage.wallMs)}, of it ${briefDuration(usage.cpuMs)} CPU`,
    },
    { title: "memory", value: usage && briefSize(usage.memoryBytes) },
    {
      title: "energy",
      value: usage && energyOf({ ...usage, measuredJoules: usage.measuredJoules ?? 0 }),
    },
    { title: "CO2", value: usage && briefGramsOf(usage) },
    { title: "lost", value: task.lost > 0 ? `${task.lost} times, with its machine` : undefined },
    { title: "reused", value: task.reused ? "the result of an earlier run" : undefined },
    ...task.attempts.map(({ machine, error }, at) => ({
      title: `attempt ${at + 1}`,
      value: {
        text: `${error.reason} on ${machine}: ${error.message}${error.stack === undefined ? "" : `\n${error.stack}`}`,
        tone: "red" as const,
      },
    })),
  ];
}
