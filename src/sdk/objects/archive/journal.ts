import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Appender } from "#/base/files.ts";
import type { World } from "../../world.ts";

/** What of a transfer is done, in a file of this user, so that the same transfer goes on there when it is asked for again. */
export class Journal<Entry extends object> {
  readonly done: readonly Entry[];
  #file: string;
  #files: World["files"];
  #appender: Appender;

  static async open<Entry extends object>(
    { files, env, home }: Pick<World, "files" | "env" | "home">,
    about: readonly string[],
  ): Promise<Journal<Entry>> {
    const state = env["XDG_STATE_HOME"] || join(home, ".local", "state");
    const digest = createHash("sha256").update(JSON.stringify(about)).digest("hex");
    const file = join(state, "canopy", "archives", `${digest}.ndjson`);
    const text = Buffer.from((await files.read(file)) ?? []).toString();
    return new Journal(file, files, await files.append(file), entriesOf(text) as Entry[]);
  }

  private constructor(file: string, files: World["files"], appender: Appender, done: Entry[]) {
    this.#file = file;
    this.#files = files;
    this.#appender = appender;
    this.done = done;
  }

  async add(entries: readonly Entry[]): Promise<void> {
    await this.#appender.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  }

  /** Leaves it for another time, or forgets it as all is done. */
  async close(isDone: boolean): Promise<void> {
    await this.#appender.close();
    if (isDone) await this.#files.remove(this.#file);
  }
}

/** A line that was cut off is as if it had not come, and the next one begins after it. */
function entriesOf(text: string): object[] {
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as object];
    } catch {
      return [];
    }
  });
}
