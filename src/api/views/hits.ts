import { liveGameDay } from "#/chaos/game-days.ts";
import { gameDayId, type HitRecord } from "#/model/game-day.ts";
import { briefDuration } from "#/model/units.ts";
import type { ExplanationView } from "#/model/views.ts";
import type { Space } from "#/space/space.ts";

const shown = 5;

/** What game days did to a task, the newest last: so that nobody looks for a fault that was made on purpose. */
export function hitsOn(space: Space, task: string, now: number): ExplanationView[] {
  const hits = [...space.all("hit")].filter(
    ({ spec, status }) =>
      status.phase !== "dry" &&
      status.phase !== "missed" &&
      spec.victims.some((victim) => victim.task === task),
  );
  return hits.slice(-shown).map((hit) => sentenceOf(hit, task, now));
}

/** That a game day is on, for who wonders what goes on. */
export function gameDayOn(space: Space, project: string): ExplanationView[] {
  const gameDay = liveGameDay(space, project);
  if (!gameDay || gameDay.spec.dryRun) return [];
  const id = gameDayId(gameDay.name);
  const targets = gameDay.spec.targets.map((target) => `${target}s`).join(" and ");
  return [
    {
      sentence: `the game day ${id} is on, and kills ${targets} at random`,
      advice: `canopy chaos report ${id}, or end it: canopy chaos stop ${id}`,
    },
  ];
}

function sentenceOf(
  { name, project, spec, status }: HitRecord,
  task: string,
  now: number,
): ExplanationView {
  const { target, subject, at, why } = spec;
  const { phase, healedAt, lost } = status;
  const what =
    target === "task"
      ? "ended this task's process"
      : target === "agent"
        ? `killed the agent of ${subject}, where it was under way,`
        : `cut off ${subject}, where it was under way,`;
  const since = lost.includes(task)
    ? "it failed for good by that"
    : phase === "healed"
      ? `healed ${briefDuration(Math.max(0, healedAt! - at))} later`
      : "it has not healed yet";
  const id = gameDayId(name);
  return {
    subject: task,
    machine: spec.machine,
    sentence: `the game day ${id} ${what} ${briefDuration(Math.max(0, now - at))} ago, within the policy of '${project}'; ${since}. It was ${why}`,
    advice: `canopy chaos report ${id}`,
  };
}
