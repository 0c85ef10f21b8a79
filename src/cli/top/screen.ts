import { Box, render, Text, useApp, useInput } from "ink";
import { createElement as h, useEffect, useState, type ReactNode } from "react";
import { messageOf } from "#/base/errors.ts";
import { briefDuration, briefSize } from "#/model/units.ts";
import type { JobDetail } from "#/model/views.ts";
import type { Client } from "#/sdk/client.ts";
import type { Column } from "../result.ts";
import { fitted, padded, printable, widthOf } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { jobColumns } from "../verbs/ps.ts";
import { machineColumns } from "../verbs/machines.ts";
import { countOf, etaOf, toneOf } from "../words.ts";
import { look, type Look } from "./look.ts";
import { linesOf, pressed, topStart, type TopKey, type TopState } from "./state.ts";

/** Shows the live view until a person leaves it. */
export async function showTop(client: Client, everyMs: number, terminal: Terminal): Promise<void> {
  const screen = render(h(Top, { client, everyMs, terminal }), { alternateScreen: true });
  await screen.waitUntilExit();
}

interface TopProps {
  client: Client;
  everyMs: number;
  terminal: Terminal;
}

function Top({ client, everyMs, terminal }: TopProps): ReactNode {
  const { clock } = terminal.world;
  const { exit } = useApp();
  const [seen, setSeen] = useState<Look>();
  const [detail, setDetail] = useState<JobDetail>();
  const [trouble, setTrouble] = useState<string>();
  const [state, setState] = useState<TopState>(topStart);
  const { opened } = state;

  useEffect(() => {
    let isLeft = false;
    let timer: { cancel(): void } | undefined;
    const turn = async () => {
      try {
        const [seenNow, detailNow] = await Promise.all([
          look(client),
          opened === undefined ? undefined : client.job(opened),
        ]);
        if (isLeft) return;
        setSeen(seenNow);
        setDetail(detailNow);
        setTrouble(undefined);
      } catch (thrown) {
        if (!isLeft) setTrouble(messageOf(thrown));
      }
      if (!isLeft) timer = clock.after(everyMs, () => void turn());
    };
    void turn();
    return () => {
      isLeft = true;
      timer?.cancel();
    };
  }, [client, clock, everyMs, opened]);

  useInput((input, key) => {
    const known: TopKey = {
      input,
      up: key.upArrow,
      down: key.downArrow,
      pageUp: key.pageUp,
      pageDown: key.pageDown,
      return: key.return,
      escape: key.escape,
      tab: key.tab,
      backspace: key.backspace || key.delete,
    };
    const { state: next, act } = pressed(state, known, seen);
    setState(next);
    if (act?.type === "leave") exit();
    if (act?.type === "cancel")
      client.cancelJob(act.job).catch((thrown: unknown) => setTrouble(messageOf(thrown)));
  });

  const { columns: width, rows: height } = terminal.out;
  if (!seen) return h(Text, { dimColor: true }, trouble ?? `Looking at ${client.url} …`);
  const nowMs = clock.now();
  const detailLines =
    opened !== undefined && detail?.id === opened
      ? detail.kinds.length + detail.waits.length + 2
      : 0;
  const room = Math.max(3, height - 6 - Math.min(detailLines, Math.floor(height / 2)));
  return h(
    Box,
    { flexDirection: "column", width, height },
    h(Head, { seen, state }),
    h(Lines, { seen, state, width, room, nowMs }),
    detailLines > 0 ? h(Detail, { job: detail!, width }) : undefined,
    h(Box, { flexGrow: 1 }),
    h(Foot, { state, trouble }),
  );
}

function Head({ seen, state }: { seen: Look; state: TopState }): ReactNode {
  const { status, machines, url } = seen;
  const usedMilliCpus = machines.reduce(
    (sum, { capacity, free }) => sum + (free ? capacity.milliCpus - free.milliCpus : 0),
    0,
  );
  const cpus = `${usedMilliCpus / 1000}/${status.capacity.milliCpus / 1000} CPUs`;
  return h(
    Box,
    { flexDirection: "column" },
    h(
      Text,
      { wrap: "truncate" },
      h(Text, { bold: true, color: "green" }, "canopy "),
      `${url}  ${status.machinesConnected}/${status.machines} machines  ${cpus}  ${briefSize(status.capacity.memoryBytes)}  `,
      `${countOf(status.jobsRunning)} ${status.jobsRunning === 1 ? "job" : "jobs"}  ${countOf(status.tasksRunning)} running  ${countOf(status.tasksWaiting)} waiting`,
    ),
    h(
      Text,
      {},
      h(Text, { inverse: state.tab === "jobs" }, " Jobs "),
      " ",
      h(Text, { inverse: state.tab === "machines" }, " Machines "),
      state.isFiltering || state.filter
        ? h(Text, { color: "cyan" }, `  /${state.filter}${state.isFiltering ? "▏" : ""}`)
        : "",
    ),
  );
}

function Lines({
  seen,
  state,
  width,
  room,
  nowMs,
}: {
  seen: Look;
  state: TopState;
  width: number;
  room: number;
  nowMs: number;
}): ReactNode {
  const rows = linesOf(state, seen);
  const columns: Column[] =
    state.tab === "jobs" ? jobColumns(nowMs, seen.status) : machineColumns(nowMs);
  const first = Math.max(0, Math.min(state.selected - Math.floor(room / 2), rows.length - room));
  const shown = rows.slice(first, first + room);
  const cells = shown.map((row) => columns.map(({ of }) => of(row as never)));
  const texts = cells.map((line) =>
    line.map((cell) => printable(typeof cell === "string" ? cell : cell.text)),
  );
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...texts.map((line) => widthOf(line[at]!))),
  );
  const lineOf = (line: string[]) =>
    fitted(
      line
        .map((text, at) => padded(text, widths[at]!, columns[at]!.align))
        .join("  ")
        .trimEnd(),
      width,
    );
  return h(
    Box,
    { flexDirection: "column" },
    h(Text, { dimColor: true }, lineOf(columns.map(({ title }) => title.toUpperCase()))),
    ...shown.map((row, at) => {
      const phase = "phase" in row ? row.phase : row.connected ? "succeeded" : "failed";
      const key = "id" in row ? row.id : row.name;
      return h(
        Text,
        { key, color: toneOf(phase), inverse: first + at === state.selected, wrap: "truncate" },
        lineOf(texts[at]!),
      );
    }),
    rows.length === 0
      ? h(
          Text,
          { dimColor: true },
          state.filter
            ? "Nothing passes the filter."
            : "Nothing yet. Run something: canopy run -- echo hi",
        )
      : undefined,
  );
}

function Detail({ job, width }: { job: JobDetail; width: number }): ReactNode {
  const titleWidth = Math.max(...job.kinds.map(({ title }) => widthOf(title)), 4);
  const ends = job.eta && job.phase === "running" ? `  ends in ${etaOf(job.eta)}` : "";
  return h(
    Box,
    { flexDirection: "column", marginTop: 1 },
    h(
      Text,
      { bold: true, wrap: "truncate" },
      `${printable(job.title)} ${job.id} ${job.phase}${ends}  ${briefDuration(job.usage.cpuMs)} CPU${job.reason === undefined ? "" : `  ${job.reason}`}`,
    ),
    ...job.kinds.map(({ title, tasks }) =>
      h(
        Text,
        { key: title, wrap: "truncate" },
        fitted(
          `  ${padded(printable(title), titleWidth)}  ${countOf(tasks.succeeded)} of ${countOf(tasks.total ?? tasks.offered)} done, ${countOf(tasks.running)} running, ${countOf(tasks.waiting)} waiting${tasks.failed > 0 ? `, ${countOf(tasks.failed)} failed` : ""}`,
          width,
        ),
      ),
    ),
    ...job.waits.map(({ sentence }, at) =>
      h(Text, { key: `wait ${at}`, color: "yellow", wrap: "truncate" }, `  waits: ${sentence}`),
    ),
  );
}

function Foot({ state, trouble }: { state: TopState; trouble: string | undefined }): ReactNode {
  if (state.asking !== undefined)
    return h(Text, { color: "yellow" }, `Cancel ${state.asking}? y / n`);
  if (trouble !== undefined) return h(Text, { color: "red", wrap: "truncate" }, trouble);
  return h(
    Text,
    { dimColor: true },
    "j/k move  enter details  tab jobs/machines  c cancel  / filter  q leave",
  );
}
