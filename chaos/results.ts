import { fileOf, resultOf, sha256 } from "./work.ts";
import type { Door } from "./door.ts";
import type { AckedStep } from "./history.ts";

export interface StepResults {
  /** By index: a result or an error as JSON text. Sorted, so that equal results give equal texts. */
  text: string;
  lines: Line[];
  end: { phase: string; offered: number; succeeded: number; failed: number; cancelled: number };
}

type Line = {
  index: number;
  result?: unknown;
  outputs?: Record<string, string>;
  error?: { reason: string; message: string };
};

/** All results of a step that has ended; undefined when the stream was cut before its end. */
export async function resultsOf(
  door: Door,
  job: string,
  step: number,
  timeoutMs = 10_000,
): Promise<StepResults | undefined> {
  const path = `/v1/jobs/${job}/steps/${step}/results`;
  const { status, body } = await door.persist<string>("GET", path, { timeoutMs });
  if (status !== 200) throw new Error(`GET ${path} was answered with ${status} ${body}`);
  const parsed = body
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line & Partial<Pick<StepResults, "end">>);
  const last = parsed.pop();
  if (!last?.end) return undefined;
  const lines = parsed.toSorted((a, b) => a.index - b.index);
  return { text: lines.map((line) => JSON.stringify(line)).join("\n"), lines, end: last.end };
}

/** What is wrong with the results of a step that was to succeed: one line of the right result for each task, no more. */
export function faultsOfResults(
  name: string,
  { seed, offered, gives }: AckedStep,
  { lines, end }: StepResults,
): string[] {
  const faults: string[] = [];
  const told = Map.groupBy(lines, ({ index }) => index);
  for (let index = 0; index < offered; index++) {
    const own = told.get(index) ?? [];
    if (own.length !== 1) faults.push(`task ${name}/${index} has ${own.length} results`);
    const [line] = own;
    if (!line) continue;
    const wanted =
      gives === "file"
        ? { index, result: null, outputs: { out: sha256(fileOf(seed, index)) } }
        : { index, result: resultOf(seed, index) };
    if (JSON.stringify(line) !== JSON.stringify(wanted))
      faults.push(
        `task ${name}/${index} gave ${JSON.stringify(line)} and not ${JSON.stringify(wanted)}`,
      );
  }
  if (lines.length > offered || told.size > offered)
    faults.push(`step ${name} has ${lines.length} results of ${offered} tasks`);
  const { succeeded, failed, cancelled } = end;
  if (end.offered !== offered || succeeded !== offered || failed + cancelled > 0)
    faults.push(
      `step ${name} counts ${JSON.stringify(end)} and not ${offered} tasks that succeeded`,
    );
  return faults;
}

/** What is wrong with the files that a step's tasks are told to have left: each is fetched. */
export async function faultsOfFiles(
  door: Door,
  name: string,
  { seed, gives }: AckedStep,
  { lines }: StepResults,
): Promise<string[]> {
  const faults: string[] = [];
  if (gives !== "file") return faults;
  for (const { index, outputs } of lines) {
    const path = `/v1/blobs/${outputs?.["out"]}`;
    const { status, body } = await door.persist<Uint8Array>("GET", path);
    const isRight = status === 200 && Buffer.from(body).toString() === fileOf(seed, index);
    if (!isRight) faults.push(`the file of task ${name}/${index} is not what it left: ${status}`);
  }
  return faults;
}
