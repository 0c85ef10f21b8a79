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
