import { startAgent } from "#/agent/agent.ts";
import type { Agent } from "#/agent/options.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import type { Executions } from "../check/executions.ts";
import type { Tally } from "../faults/tally.ts";
import { simDriver } from "../load/driver.ts";
import type { Life } from "../world/life.ts";
import type { Machine } from "../world/machine.ts";

/** A machine that runs the real agent, with tasks that are simulated. */
export class Worker {
  readonly machine: Machine;
  agent: Agent | undefined;
  #executions: Executions;
  #tally: Tally;
  #urls: string[];
  #tokenOf: () => Promise<string>;

  constructor(
    machine: Machine,
    parts: { executions: Executions; tally: Tally; urls: string[]; tokenOf: () => Promise<string> },
  ) {
    this.machine = machine;
    this.#executions = parts.executions;
    this.#tally = parts.tally;
    this.#urls = parts.urls;
    this.#tokenOf = parts.tokenOf;
  }

  boot(): Life {
    const { life, host } = this.machine.begin();
    this.agent = undefined;
    this.#start(life, host).catch((thrown: unknown) => {
      // it could not join, or its disk failed: its supervisor tries again
      if (
        !(thrown instanceof CanopyError || /^(EIO|ENOSPC)/.test(String((thrown as Error).message)))
      )
        this.machine.world.fail(thrown);
      life.end();
    });
    return life;
  }

  /** In good order: what has not begun is given back. */
  async stop(): Promise<void> {
    await this.agent?.stop();
  }

  async #start(life: Life, host: Host): Promise<void> {
    const folder = "/data/agent";
    const isKnown = (await host.files.stat(`${folder}/identity.json`)) !== undefined;
    const agent = await startAgent({
      host,
      folder,
      urls: this.#urls,
      ...(isKnown ? {} : { token: await this.#tokenOf() }),
      labels: {},
      version: "0.0.0",
      drivers: [simDriver(() => this.agent?.machine ?? "", this.#executions, this.#tally)],
      rates: { microsPerHour: undefined, idleWatts: 1, peakWatts: 2, pue: 1 },
      env: {},
    });
    this.agent = agent;
    void agent.refused.then((reason) => {
      if (!life.isOver)
        this.machine.world.fail(new Error(`${this.machine.name} was refused: ${reason}`));
    });
  }
}
