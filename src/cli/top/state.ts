import type { JobView, MachineView } from "#/model/views.ts";
import type { Look } from "./look.ts";

/** What a person has chosen to see. A pure fold of keys, so that it can be tested without a terminal. */
export interface TopState {
  tab: "jobs" | "machines";
  /** Which line, from 0. */
  selected: number;
  filter: string;
  isFiltering: boolean;
  /** The job whose details are shown. */
  opened: string | undefined;
  /** The job that a person is asked about. */
  asking: string | undefined;
}

export const topStart: TopState = {
  tab: "jobs",
  selected: 0,
  filter: "",
  isFiltering: false,
  opened: undefined,
  asking: undefined,
};

export interface TopKey {
  input: string;
  up?: boolean;
  down?: boolean;
  pageUp?: boolean;
  pageDown?: boolean;
  return?: boolean;
  escape?: boolean;
  tab?: boolean;
  backspace?: boolean;
}

/** What is to be done beside a new state. */
export type TopAct = { type: "leave" } | { type: "cancel"; job: string } | undefined;

const pageLines = 10;

export function pressed(
  state: TopState,
  key: TopKey,
  seen: Look | undefined,
): { state: TopState; act: TopAct } {
  const to = (change: Partial<TopState>, act?: TopAct) => ({ state: { ...state, ...change }, act });
  const { input } = key;
  if (state.asking !== undefined) {
    const job = state.asking;
    return input === "y"
      ? to({ asking: undefined }, { type: "cancel", job })
      : to({ asking: undefined });
  }
  if (state.isFiltering) {
    if (key.return) return to({ isFiltering: false });
    if (key.escape) return to({ isFiltering: false, filter: "", selected: 0 });
    if (key.backspace) return to({ filter: state.filter.slice(0, -1), selected: 0 });
    return to({ filter: state.filter + input, selected: 0 });
  }
  const count = seen ? linesOf(state, seen).length : 0;
  const move = (by: number) =>
    to({ selected: Math.max(0, Math.min(count - 1, state.selected + by)) });
  if (input === "q") return to({}, { type: "leave" });
  if (key.escape)
    return state.opened === undefined ? to({ filter: "", selected: 0 }) : to({ opened: undefined });
  if (key.down || input === "j") return move(1);
  if (key.up || input === "k") return move(-1);
  if (key.pageDown) return move(pageLines);
  if (key.pageUp) return move(-pageLines);
  if (input === "g") return to({ selected: 0 });
  if (input === "G") return move(count);
  if (key.tab)
    return to({ tab: state.tab === "jobs" ? "machines" : "jobs", selected: 0, opened: undefined });
  if (input === "/") return to({ isFiltering: true });
  const job =
    seen && state.tab === "jobs"
      ? (linesOf(state, seen)[state.selected] as JobView | undefined)
      : undefined;
  if (key.return && job) return to({ opened: state.opened === job.id ? undefined : job.id });
  if (input === "c" && job?.phase === "running") return to({ asking: job.id });
  return to({});
}

/** The lines of the chosen tab that pass its filter. */
export function linesOf(
  { tab, filter }: TopState,
  { jobs, machines }: Look,
): (JobView | MachineView)[] {
  const word = filter.toLowerCase();
  const passes = (...texts: string[]) => texts.some((text) => text.toLowerCase().includes(word));
  if (tab === "jobs") return jobs.filter(({ id, title, phase }) => passes(id, title, phase));
  return machines.filter(({ name, hostname, site }) => passes(name, hostname, site));
}
