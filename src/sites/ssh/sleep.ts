import { join } from "node:path";
import { textOf } from "#/base/body.ts";
import { sleep, within } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { SshHost } from "#/model/site-config.ts";
import type { SiteParts } from "../parts.ts";
import type { SshConnection } from "./connection.ts";
import type { HostLook } from "./look.ts";
import { quoted } from "./scripts.ts";

/** The connection is closed before the host goes. */
const leaveS = 1;
const wordsMax = 500;

/**
 * Hosts that sleep while they hold no machine, where their configuration says how. That one sleeps is kept in a
 * file, with what it had said of itself: it is offered, and not asked, until it has been woken.
 */
export class Sleepers {
  #parts: SiteParts;
  #connection: SshConnection;

  constructor(connection: SshConnection, parts: SiteParts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  /** What a host that sleeps was like; undefined for one that does not. */
  async asleep({ address, power }: SshHost): Promise<HostLook | undefined> {
    if (!power) return undefined;
    const kept = await this.#parts.files.read(this.#pathOf(address));
    if (!kept) return undefined;
    const look = JSON.parse(Buffer.from(kept).toString()) as HostLook;
    return { ...look, hasProgram: false, machines: [] };
  }

  /** Puts a host to sleep that holds nothing. Never throws: one that stays awake only costs power. */
  async sleep(host: SshHost, look: HostLook): Promise<void> {
    const { address, power } = host;
    if (!power) return;
    const { files, log } = this.#parts;
    try {
      await files.write(this.#pathOf(address), JSON.stringify(look));
      const command = `sleep ${leaveS}; ${power.sleep}`;
      const script = `nohup sh -c ${quoted(command)} >/dev/null 2>&1 </dev/null &\n`;
      await this.#connection.run(host, script);
      log.info(`${address} goes to sleep, as it holds no machine`);
    } catch (thrown) {
      await files.remove(this.#pathOf(address));
      log.warn(`${address} could not be put to sleep`, { error: messageOf(thrown) });
    }
  }

  /** Wakes a host, and gives what `ask` says of it once it answers. Throws "unavailable" when it does not in time. */
  async wake(host: SshHost, ask: () => Promise<HostLook>): Promise<HostLook> {
    const { clock, files } = this.#parts;
    const { address, power } = host;
    const untilMs = clock.monotonicMs() + limits.sshWakeMs;
    for (;;) {
      await this.#call(address, power!.wake);
      try {
        const look = await ask();
        await files.remove(this.#pathOf(address));
        return look;
      } catch (thrown) {
        if (clock.monotonicMs() > untilMs) throw thrown;
        await sleep(clock, limits.sshWakeLookMs);
      }
    }
  }

  /** On the control plane's computer, as nobody is awake there yet. */
  async #call(address: string, command: string): Promise<void> {
    const { clock, processes, env } = this.#parts;
    const options = { folder: "/", env: { ...env }, group: true };
    const child = processes.spawn(["/bin/sh", "-c", command], options);
    child.stdin.end();
    const all = Promise.all([textOf(child.stdout), textOf(child.stderr), child.ended]);
    const done = await within(clock, limits.sshAnswerMs, all);
    if (!done) child.signal("SIGKILL");
    if (done?.[2].code === 0) return;
    const words = done ? done[1].trim().slice(-wordsMax) : "it did not end";
    throw new CanopyError("unavailable", `Cannot wake ${address} by '${command}': ${words}`);
  }

  #pathOf(address: string): string {
    return join(this.#parts.folder, "asleep", `${encodeURIComponent(address)}.json`);
  }
}
