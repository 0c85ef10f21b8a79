import { DatabaseSync } from "node:sqlite";
import { onThread } from "#/base/node/threads.ts";
import { messageOf } from "#/base/errors.ts";
import type { FromCheckpointThread, ToCheckpointThread } from "./checkpointer.ts";

/** Moves what the index has committed into its file, with the syncs that this takes, beside the thread that works. */
let database: DatabaseSync | undefined;

onThread((message, answer) => {
  const say = (what: FromCheckpointThread) => answer(what);
  try {
    const { file } = message as ToCheckpointThread;
    if (!database) {
      database = new DatabaseSync(file);
      database.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
    }
    database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
    say({});
  } catch (thrown) {
    say({ error: messageOf(thrown) });
  }
});
