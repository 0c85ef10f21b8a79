import { messageOf } from "#/base/errors.ts";
import type { RunningInstance } from "#/drivers/instance-driver.ts";
import type { InstanceParts } from "./instance-parts.ts";
import type { InstanceRecord } from "./instance-record.ts";
import type { InstanceReporter } from "./instance-reporter.ts";
import type { InstanceRuntime } from "./instance-runtime.ts";
import { departureOf, goAway, isComing, mayStillCome } from "./moves.ts";

/** An instance's way to this machine from another one, and from here to another. The rules are in moves.ts. */
export class InstanceMigration {
  #parts: InstanceParts;
  #record: InstanceRecord;
  #runtime: InstanceRuntime;
  #reporter: InstanceReporter;

  constructor(
    parts: InstanceParts,
    record: InstanceRecord,
    runtime: InstanceRuntime,
    reporter: InstanceReporter,
  ) {
    this.#parts = parts;
    this.#record = record;
    this.#runtime = runtime;
    this.#reporter = reporter;
  }

  get isComing(): boolean {
    return isComing(this.#record.order, this.#record.moves);
  }

  /** Of one that an earlier life of the agent awaited: whether it runs. It is not awaited twice. */
  async hasCome(running: RunningInstance | undefined): Promise<boolean> {
    const { order, moves } = this.#record;
    const { migration } = order.comesFrom!;
    if (running && !(await running.stands?.())) {
      await this.#record.keepMoves({ came: migration });
      return true;
    }
    await running?.stop(0);
    if (moves?.awaited === migration) await this.missed("The agent that awaited it has ended");
    return false;
  }

  /** It has not come, and does not come by that migration any more. */
  async missed(reason: string): Promise<void> {
    const { migration } = this.#record.order.comesFrom!;
    await this.#record.keepMoves({ missed: { migration, reason } });
  }

  /**
   * Waits for it, and runs it here once it has come. What has not come by a migration never does. Another turn is due after that but
   * where it "failed".
   */
  async come(): Promise<"came" | "failed" | "superseded"> {
    const { order, moves } = this.#record;
    const { migration } = order.comesFrom!;
    try {
      mayStillCome(order, moves);
      await this.#record.keepMoves({ awaited: migration });
      const awaitsMigration = this.#awaited();
      await this.#runtime.start(order, { awaitsMigration }, () =>
        this.#record.keepMoves({ came: migration }),
      );
      this.#reporter.say("running");
      return "came";
    } catch (thrown) {
      const reason = moves?.missed?.reason ?? messageOf(thrown);
      await this.#record.keepMoves({ missed: { migration, reason } });
      await this.#parts.networks.remove(order.instance);
      // Another order came meanwhile: that it did not come by this one says nothing of that.
      if (this.#record.order.comesFrom?.migration !== migration) return "superseded";
      this.#reporter.fails("Server.InternalError", reason);
      return "failed";
    }
  }

  #awaited() {
    const { address } = this.#parts;
    const { migration, key, sharesStorage } = this.#record.order.comesFrom!;
    const onWaiting = (port: number) =>
      this.#reporter.say("preparing", { awaits: { migration, address, port } });
    return { address, key, withDisks: !sharesStorage, onWaiting };
  }

  /**
   * Lets it leave where it is to. While it is not "here" nothing else may be done to it, as it may run elsewhere; "look-again": another
   * turn is due.
   */
  async leave(): Promise<"here" | "look-again" | "leaving" | "left"> {
    const { order, moves } = this.#record;
    const { running } = this.#runtime;
    switch (departureOf(order, moves)) {
      case "none":
        return "here";
      case "over": // another order came: it has not left
        await running?.goOn?.();
        await this.#record.keepMoves({ leaving: undefined });
        return "here";
      case "left":
        this.#reporter.say("stopping", { left: moves!.left! });
        await this.#runtime.end(0);
        return "left";
      case "due":
        if (!running?.migrate) return "here";
        await this.#record.keepMoves({ leaving: order.goesTo!.migration });
        await this.#record.keepMoves(await goAway(running, order.goesTo!));
        break;
      case "doubtful":
        await this.#settle(running);
        break;
    }
    if (departureOf(this.#record.order, this.#record.moves) !== "doubtful") return "look-again";
    if (running) this.#reporter.say("running");
    return "leaving";
  }

  /** One that began to leave and is seen to run here has not left. */
  async #settle(running: RunningInstance | undefined): Promise<void> {
    if (!running || (await running.stands?.())) return;
    const { migration } = this.#record.order.goesTo!;
    await running.goOn?.();
    await this.#record.keepMoves({
      leaving: undefined,
      stays: { migration, reason: "Its agent has ended meanwhile" },
    });
  }
}
