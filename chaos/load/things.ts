import { setTimeout as sleep } from "node:timers/promises";
import { sha256 } from "../work.ts";
import type { Client } from "./parts.ts";

/** Blobs: bytes that are kept once they were taken. */
export const blobs: Client = async ({ door, history, chance }) => {
  for (;;) {
    const bytes = new Uint8Array(chance.whole(1, 100_000)).map(() => chance.whole(0, 255));
    const { key } = await door.must<{ key: string }>("POST", "/v1/blobs", { bytes });
    if (key !== sha256(bytes)) history.violate(`a blob was named ${key}, not by its SHA-256`);
    history.blobs.set(key, bytes.length);
    history.tell("blob", { key, sizeBytes: bytes.length });
    await sleep(chance.between(50, 500));
  }
};

/** Keys: open the door once they are told, and never again once they are removed. */
export const keys: Client = async ({ door, history, chance, client }) => {
  for (let round = 0; !door.isOver; round++) {
    // A key that was made without an answer cannot be told again: it is left, and another is made.
    const made = await door.ask<{ name: string; key: string }>("POST", "/v1/keys", {
      body: { title: `key ${client} ${round}`, role: "viewer" },
    });
    if (!made) {
      await sleep(100);
      continue;
    }
    if (made.status !== 201) return history.violate(`a key was refused: ${made.status}`);
    const { name, key } = made.body;
    const entry = { secret: key, state: "made" as "made" | "removing" | "removed" };
    history.keys.set(name, entry);
    history.tell("key", { name });
    await sleep(chance.between(50, 500));
    if (chance.isOneIn(2) || door.isOver) continue;
    entry.state = "removing";
    const { status } = await door.persist("DELETE", `/v1/keys/${name}`);
    // Asked again after an answer that was lost, there is none to remove.
    if (status !== 204 && status !== 404) history.violate(`a key was not removed: ${status}`);
    entry.state = "removed";
    history.tell("key removed", { name });
  }
};

/** Looks at what was acknowledged or ended before: it is still so. */
export const readers: Client = async ({ door, history, chance }) => {
  while (!door.isOver) {
    await sleep(chance.between(20, 150));
    const known = [...history.jobs.values()];
    if (known.length === 0) continue;
    const job = chance.isOneIn(3) ? known.at(-1)! : chance.pick(known);
    const before = { ended: job.ended, offered: job.steps.map(({ offered }) => offered) };
    const answer = await door.persist<{
      phase: string;
      tasks: { offered: number };
    }>("GET", `/v1/jobs/${job.id}`);
    if (answer.status !== 200) {
      history.violate(`the acknowledged job ${job.id} was told as ${answer.status}`);
      continue;
    }
    const { phase, tasks } = answer.body;
    const offered = before.offered.reduce((sum, count) => sum + count, 0);
    // Tasks of a step that comes after another are made when it begins.
    if (job.steps.length === 1 && tasks.offered < offered)
      history.violate(
        `job ${job.id} has ${tasks.offered} tasks after ${offered} were acknowledged`,
      );
    if (before.ended && before.ended.phase !== phase)
      history.violate(`job ${job.id} had ended as ${before.ended.phase} and is told as ${phase}`);
  }
};
