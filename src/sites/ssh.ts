import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Capacity } from "#/model/needs.ts";
import type { Offer } from "#/model/site.ts";
import type { SshConfig, SshHost } from "#/model/site-config.ts";
import { OneAtATime } from "#/base/one-at-a-time.ts";
import { urlsFor, type SiteParts } from "./parts.ts";
import type { HeldMachine, Holdings, MachineOrder, Site } from "./site.ts";
import { RemoteExit, SshConnection } from "./ssh/connection.ts";
import { parseLook, type HostLook } from "./ssh/look.ts";
import { Sleepers } from "./ssh/sleep.ts";
import * as scripts from "./ssh/scripts.ts";
import { Tunnels } from "./ssh/tunnels.ts";

/** From the order to the first pull, on a host that has the program, and on one that has not. */
const bootMs = { median: 2_500, p90: 15_000 };
/** On one that sleeps. */
const wakeMs = { median: 30_000, p90: 120_000 };

/** What is kept of an order here, so that its host is found without asking them all. */
interface KeptOrder {
  host: string;
  url: string;
}

/** What is known of a host at one moment. */
interface Look extends HostLook {
  /** It sleeps, and this is what it said before. */
  readonly isAsleep?: boolean;
}

/** Hosts that ssh reaches, each of which is one machine while an order holds it. */
export class SshSite implements Site {
  #config: SshConfig;
  #parts: SiteParts;
  #connection: SshConnection;
  #tunnels: Tunnels;
  #sleepers: Sleepers;
  #turns = new OneAtATime();

  constructor(config: SshConfig, parts: SiteParts) {
    this.#config = config;
    this.#parts = parts;
    this.#connection = new SshConnection(config, parts);
    this.#tunnels = new Tunnels(this.#connection, parts);
    this.#sleepers = new Sleepers(this.#connection, parts);
  }

  /** Of the hosts that answer. Throws what the first one said when none does. */
  async offers(): Promise<Offer[]> {
    const looks = await this.#lookAll();
    const answers = looks.flatMap((look) => (look.status === "fulfilled" ? [look.value] : []));
    if (answers.length === 0) throw (looks[0] as PromiseRejectedResult).reason;
    const live = answers.reduce((sum, look) => sum + liveOf(look).length, 0);
    const left = this.#config.machinesMax - live;
    return this.#config.hosts.flatMap((host, index) => {
      const look = looks[index]!;
      if (look.status === "rejected") return [];
      const countMax = liveOf(look.value).length === 0 && left > 0 ? 1 : 0;
      const offer = this.#offer(host, look.value, countMax);
      return [look.value.isAsleep ? { ...offer, bootMs: wakeMs } : offer];
    });
  }

  #offer(host: SshHost, look: HostLook, countMax: number): Offer {
    const { microsPerHour, idleWatts, peakWatts, pue } = host;
    const { name } = this.#parts;
    return {
      site: name,
      name: host.address,
      capacity: this.#capacityOf(host, look),
      labels: { ...this.#config.labels, ...host.labels },
      market: "on-demand",
      zone: "",
      microsPerHour,
      priceGranularityMs: 1000,
      billedMsMin: 0,
      idleWatts,
      peakWatts,
      pue,
      gramsPerKwh: this.#config.gramsPerKwh,
      bootMs,
      interruptionsPerHour: 0,
      countMax,
    };
  }

  #capacityOf({ capacity }: SshHost, look: HostLook): Capacity {
    return {
      milliCpus: capacity.milliCpus ?? look.cpus * 1000,
      memoryBytes: capacity.memoryBytes ?? Math.floor(look.memoryBytes * 0.9),
    };
  }

  async acquire(order: MachineOrder): Promise<HeldMachine> {
    const host = this.#config.hosts.find(({ address }) => address === order.offer);
    const cannot = `Cannot make the machine of ${order.name} as`;
    if (!host) {
      throw new CanopyError(
        "not-found",
        `${cannot} '${this.#parts.name}' has no host '${order.offer}'`,
      );
    }
    return this.#turns.run(host.address, async () => {
      const isAsleep = (await this.#sleepers.asleep(host)) !== undefined;
      const ask = () => this.#ask(host);
      const look = isAsleep ? await this.#sleepers.wake(host, ask) : await ask();
      const known = look.machines.find((machine) => machine.order === order.name);
      if (known && known.handle !== "0") return known;
      const others = liveOf(look).filter((machine) => machine.order !== order.name);
      if (others.length > 0) {
        throw new CanopyError(
          "no-capacity",
          `${cannot} ${host.address} is one machine, and ${others[0]!.order} holds it`,
        );
      }
      return this.#start(order, host, look).catch(async (thrown: unknown) => {
        // A host that does not answer may have done it: held() knows.
        if (!(thrown instanceof CanopyError && thrown.code === "unavailable"))
          await this.#end(order.name, host).catch(() => {});
        throw thrown;
      });
    });
  }

  async #start(order: MachineOrder, host: SshHost, look: HostLook): Promise<HeldMachine> {
    const place = this.#placeOf(host);
    const { digest, agentPath, nodePath, nodeVersion, os, arch } =
      await this.#parts.program.files();
    const [url = ""] = urlsFor(this.#config, order.urls);
    await this.#keep(order.name, { host: host.address, url });
    if (!look.hasProgram)
      await this.#connection.send(host, agentPath, scripts.agentCommand(place, order.name, digest));
    if (look.node === undefined) {
      if (look.os !== os || look.arch !== arch) {
        throw new CanopyError(
          "forbidden",
          `Cannot start an agent on ${host.address} as it has no Node 26, and there is none here for ${look.os} ${look.arch}`,
          { hint: `Install Node 26 on ${host.address}` },
        );
      }
      const command = scripts.nodeCommand(place, order.name, nodeVersion);
      await this.#connection.send(host, nodePath, command);
    }
    const urls = this.#config.tunnel
      ? [await this.#tunnels.open(host, url)]
      : urlsFor(this.#config, order.urls);
    const { token, name } = order;
    const start = { order: name, digest, node: look.node, nodeVersion, urls, token };
    const script = scripts.startScript(place, { ...start, ...this.#capacityOf(host, look) });
    const pid = (await this.#connection.run(host, script)).trim();
    if (!/^\d+$/.test(pid)) {
      throw new CanopyError("unavailable", `Cannot start an agent on ${host.address}: ${pid}`);
    }
    return { order: name, handle: pid, state: "booting", since: this.#parts.clock.now() };
  }

  async held(): Promise<Holdings> {
    const looks = await this.#lookAll();
    const { hosts } = this.#config;
    return {
      machines: looks.flatMap((look) => (look.status === "fulfilled" ? look.value.machines : [])),
      unknown: hosts
        .filter((_, index) => looks[index]!.status === "rejected")
        .map(({ address }) => address),
    };
  }

  async release(order: string): Promise<void> {
    const kept = await this.#kept(order);
    const known = this.#config.hosts.filter(({ address }) => address === kept?.host);
    // Of an order that is not remembered here, every host is asked.
    const hosts = known.length > 0 ? known : this.#config.hosts;
    await inParts(hosts, async (host) => {
      await this.#turns.run(host.address, async () => {
        if (await this.#sleepers.asleep(host)) return; // it holds nothing
        await this.#end(order, host);
        if (host.power && known.length > 0) await this.#rest(host);
      });
    });
    await this.#parts.files.remove(this.#pathOf(order));
  }

  /** A host that has given back its last machine sleeps, where it is told how. */
  async #rest(host: SshHost): Promise<void> {
    const look = await this.#ask(host);
    if (liveOf(look).length === 0) await this.#sleepers.sleep(host, look);
  }

  async #end(order: string, host: SshHost): Promise<void> {
    const script = scripts.releaseScript(this.#placeOf(host), order, limits.agentEndMs);
    await this.#connection.run(host, script);
    if (this.#config.tunnel && liveOf(await this.#ask(host)).length === 0)
      this.#tunnels.close(host);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #lookAll(): Promise<PromiseSettledResult<Look>[]> {
    const looks: PromiseSettledResult<Look>[] = [];
    await inParts(this.#config.hosts, async (host, index) => {
      [looks[index]] = await Promise.allSettled([this.#look(host)]);
    });
    return looks;
  }

  /** What it says of itself, or said before it went to sleep. */
  async #look(host: SshHost): Promise<Look> {
    const asleep = await this.#sleepers.asleep(host);
    return asleep ? { ...asleep, isAsleep: true } : this.#ask(host);
  }

  async #ask(host: SshHost): Promise<HostLook> {
    const program = await this.#parts.program.files();
    const script = scripts.lookScript(this.#placeOf(host), program);
    const printed = await this.#connection.run(host, script).catch((thrown: unknown) => {
      if (!(thrown instanceof RemoteExit)) throw thrown;
      throw new CanopyError("forbidden", `Cannot use ${host.address}: ${thrown.message}`);
    });
    const look = parseLook(printed, host.address);
    for (const { order } of liveOf(look)) await this.#keepTunnel(host, order);
    return look;
  }

  /** Tunnels are opened again for as long as there is a machine behind them. */
  async #keepTunnel(host: SshHost, order: string): Promise<void> {
    if (!this.#config.tunnel) return;
    const kept = await this.#kept(order);
    if (!kept) return;
    await this.#tunnels.open(host, kept.url).catch((thrown: unknown) => {
      this.#parts.log.warn(`the tunnel from ${host.address} is closed`, { error: String(thrown) });
    });
  }

  #placeOf({ address }: SshHost): scripts.RemotePlace {
    const { cloudId, name } = this.#parts;
    return { cloudId, site: name, host: address };
  }

  #pathOf(order: string): string {
    return join(this.#parts.folder, "orders", `${order}.json`);
  }

  async #keep(order: string, kept: KeptOrder): Promise<void> {
    await this.#parts.files.write(this.#pathOf(order), JSON.stringify(kept));
  }

  async #kept(order: string): Promise<KeptOrder | undefined> {
    const content = await this.#parts.files.read(this.#pathOf(order));
    return content && (JSON.parse(Buffer.from(content).toString()) as KeptOrder);
  }
}

function liveOf({ machines }: HostLook): readonly HeldMachine[] {
  return machines.filter(({ state }) => state !== "ended");
}

/** Does it for all hosts, a bounded number at once. Throws what the first that failed threw, when all are done. */
async function inParts(
  hosts: readonly SshHost[],
  action: (host: SshHost, index: number) => Promise<void>,
): Promise<void> {
  const left = [...hosts.entries()];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift())
      await action(next[1], next[0]).catch((thrown: unknown) => void failures.push(thrown));
  };
  await Promise.all(Array.from({ length: limits.sshAtOnceMax }, worker));
  if (failures.length > 0) throw failures[0];
}
