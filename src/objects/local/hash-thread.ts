import { createHash } from "node:crypto";
import { onThread } from "#/base/node/threads.ts";
import { checksummer, type Checksummer } from "./digests.ts";
import type { FromHashThread, ToHashThread } from "./hashing.ts";

/** The thread that hashes large objects: MD5 alone takes as long as all else that is done with them. */
const tasks = new Map<number, Promise<Checksummer>>();

onThread((message, answer) => {
  const say = (what: FromHashThread) => answer(what);
  const told = message as ToHashThread;
  const { task } = told;
  if ("algorithm" in told) {
    tasks.set(task, told.algorithm === "MD5" ? md5() : checksummer(told.algorithm));
    return;
  }
  const hashing = tasks.get(task);
  if ("isDropped" in told) tasks.delete(task);
  else if ("block" in told) {
    const { block, length } = told;
    const bytes = new Uint8Array(block, 0, length);
    void hashing?.then((one) => one.update(bytes)).then(() => say({ task }));
  } else {
    tasks.delete(task);
    void hashing?.then((one) => say({ task, value: one.finish() }));
  }
});

async function md5(): Promise<Checksummer> {
  const hash = createHash("md5");
  return { update: (bytes) => void hash.update(bytes), finish: () => hash.digest("hex") };
}
