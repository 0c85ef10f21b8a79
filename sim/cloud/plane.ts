import { planMix } from "#/planning/mix/mix.ts";
import { cutLinksInTime } from "#/api/link/cut-links.ts";
import { Members } from "#/api/members.ts";
import type { DoorParts } from "#/api/parts.ts";
import { Relay } from "#/api/link/relay.ts";
import { Pace } from "#/api/pace.ts";
import { WrongKeys } from "#/api/wrong-keys.ts";
import { Feed } from "#/api/streams/feed.ts";
import { Watchers } from "#/api/streams/watchers.ts";
import { ToLeader } from "#/api/to-leader.ts";
import { startAnnouncing } from "#/announce.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { sleep } from "#/base/clock.ts";
import type { Host } from "#/base/host.ts";
import { startEngine, startSharedEngine, type Engine } from "#/engine.ts";
import { eta } from "#/jobs/eta.ts";
import { addStep, appendTasks, cancelJob, closeJob, retryJob, submitJob } from "#/jobs/submit.ts";
import { listPrices } from "#/meter/prices.ts";
import { Acks } from "../check/acks.ts";
import type { Ledger } from "../check/ledger.ts";
import { DatabaseLog } from "../logs/database-log.ts";
import { DiskLog } from "../logs/disk-log.ts";
import type { Link } from "#/base/network.ts";
import type { Life } from "../world/life.ts";
import type { Machine } from "../world/machine.ts";
import { doorOf } from "./door.ts";
import { simForward } from "./forward.ts";

const planePort = 7700;
const dataFolder = "/data/canopy";
const againMs = 500;

/** A control plane on a simulated machine: the real engine, alone or one of several, and the calls of the real door. */
export class Plane {
  readonly machine: Machine;
  engine: Engine | undefined;
  #close: () => void = () => {};
  #ledger: Ledger;
  #acks: Acks;
  #database: Machine | undefined;

  /** Its log is its own disk's, or that of the database when there is one. */
  constructor(machine: Machine, ledger: Ledger, database: Machine | undefined) {
    this.machine = machine;
    this.#ledger = ledger;
    this.#acks = new Acks(machine.world, ledger);
    this.#database = database;
  }

  get url(): string {
    return `http://${this.machine.name}:${planePort}`;
  }

  boot(): Life {
    const { life, host } = this.machine.begin();
    this.engine = undefined;
    const begun = this.#database ? this.#follow(life, host) : this.#alone(life, host);
    begun.catch((thrown: unknown) => this.#ended(life, thrown));
    return life;
  }

  /** In good order: another leads before it is gone, and what is pending is written. */
  async stop(): Promise<void> {
    const { engine } = this;
    if (!engine) return;
    await engine.resign();
    this.#close();
    await engine.stop();
  }

  async #alone(life: Life, host: Host): Promise<void> {
    const log = new DiskLog(this.machine, life, this.#ledger);
    const onBroken = (thrown: unknown) => this.#ended(life, thrown);
    const engine = await startEngine(host, { dataFolder, log, onBroken });
    this.#open(life, host, engine, (link) => this.#acks.watch(link, life));
  }

  /** Begins as a follower, and anew each time that its engine is over, as `cloud.ts` does. */
  async #follow(life: Life, host: Host): Promise<void> {
    for (;;) {
      const over = Promise.withResolvers<void>();
      const log = new DatabaseLog(this.machine, life, host, this.#database!);
      try {
        const engine = await startSharedEngine(host, {
          dataFolder,
          log,
          url: this.url,
          onOver: () => over.resolve(),
          shared: { secrets: { agree: (name, proposed) => log.agree(name, proposed) } },
        });
        const isSure = () => engine.standing.isSure;
        this.#open(life, host, engine, (link) => this.#acks.watch(link, life, isSure));
        await over.promise;
        this.engine = undefined;
        this.#close();
        engine.stop().catch(() => {});
      } catch (thrown) {
        if (!isOutside(thrown)) throw thrown;
        await sleep(host.clock, againMs);
      }
    }
  }

  /** Opens the door to an engine. */
  #open(life: Life, host: Host, engine: Engine, watch: (link: Link) => Link): void {
    this.engine = engine;
    const { clock, random, log, network } = host;
    const { space, standing, access } = engine;
    const members = new Members({ space, standing, clock, publicUrl: () => this.url });
    const forward = simForward(network);
    const parts: DoorParts = {
      ...engine,
      forward,
      members,
      clock,
      random,
      log,
      jobs: { submitJob, addStep, appendTasks, closeJob, cancelJob, retryJob, eta },
      version: "0.0.0",
      agentFile: () => Promise.resolve(undefined),
      currency: listPrices.currency,
      publicUrl: () => this.url,
      awsUrl: () => this.url,
      takeBackup: () => undefined,
      planner: { plan: (problem) => Promise.resolve(planMix(problem)) },
      forecaster: { forecast: cannotForecast, whatIf: cannotForecast, replay: cannotForecast },
      toLeader: new ToLeader({ access, standing, forward, clock }),
      feed: new Feed(space),
      watchers: new Watchers(clock),
      relay: new Relay(clock),
      wrongKeys: new WrongKeys({ clock, log, space, standing }),
      pace: new Pace({ clock, log, space, standing }),
      startedAt: clock.now(),
    };
    const { net } = this.machine;
    const door = doorOf(parts, (thrown) => this.#internal(thrown), watch);
    const close = net.listen(this.machine, life, planePort, door);
    void cutLinksInTime(parts);
    const { rootToken } = access;
    const announcing = startAnnouncing(host, { standing, members, rootToken });
    this.#close = () => {
      close();
      announcing.stop();
      parts.relay.close("Canopy is stopping");
      parts.feed.close();
      parts.toLeader.close();
    };
  }

  /** A process that cannot go on ends; faults of the disk, and what they lead to, are no fault of its own. */
  #ended(life: Life, thrown: unknown): void {
    if (life.isOver) return;
    if (!isOutside(thrown)) this.machine.world.fail(thrown);
    life.end();
  }

  #internal(thrown: unknown): void {
    if (!isOutside(thrown)) this.machine.world.fail(thrown);
  }
}

function isOutside(thrown: unknown): boolean {
  if (thrown instanceof CanopyError) return true;
  return /^(EIO|ENOSPC)/.test(messageOf(thrown));
}

/** There are no threads in here. */
function cannotForecast(): Promise<never> {
  return Promise.reject(new CanopyError("unavailable", "Cannot forecast within a simulation"));
}
