import type { InstanceEventName } from "#/model/instance-event.ts";
import type { LaunchInput, VolumeChange, VolumeInput } from "#/model/instance-request.ts";
import type {
  EvacuatedView,
  EventSubscriptionView,
  InstanceTypeView,
  InstanceView,
  KeyPairView,
  MadeKeyPairView,
  SavingView,
  SnapshotView,
  SpotAdviceView,
  SpotPriceView,
  VolumeView,
} from "#/model/instance-views.ts";
import type { Page } from "#/model/views.ts";
import { bytesOf, textOf } from "#/base/body.ts";
import type { Http } from "./http.ts";
import { openTerminal, type OpenedTerminal, type TerminalAsked } from "./terminal.ts";

export interface InstancesAsked {
  limit?: number;
  cursor?: string;
  /** Of states, with commas between. */
  state?: string;
  type?: string;
  image?: string;
  machine?: string;
  /** "NAME" or "NAME=VALUE". */
  tag?: string;
}

export interface SpotPricesAsked {
  limit?: number;
  cursor?: string;
  type?: string;
  zone?: string;
  /** RFC 3339. */
  from?: string;
  to?: string;
}

/** Who is to be told of what: one webhook, or one queue. */
export interface TellInput {
  webhook?: string;
  queue?: string;
  events?: readonly InstanceEventName[];
  instances?: readonly string[];
  tags?: Record<string, string>;
}

/** What is left out stays. */
export interface InstanceChangeInput {
  /** Of one that is stopped. */
  type?: string;
  isTerminationProtected?: boolean;
  isStopProtected?: boolean;
  isRecovered?: boolean;
  onShutdown?: "stop" | "terminate";
  /** All that it is to have. */
  tags?: Record<string, string>;
}

/** Of volumes and snapshots. */
export interface StorageAsked {
  limit?: number;
  cursor?: string;
  state?: string;
  /** Of this volume: its snapshots. */
  volume?: string;
  tag?: string;
}

const pathOf = (kind: string, id: string) => `/v1/${kind}/${encodeURIComponent(id)}`;

/** Calls about instances. */
export class InstanceCalls {
  #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  launch(asked: LaunchInput): Promise<Page<InstanceView>> {
    return this.#http.json("POST", "/v1/instances", { body: asked });
  }

  list(query: InstancesAsked = {}): Promise<Page<InstanceView>> {
    return this.#http.json("GET", "/v1/instances", { query: { ...query } });
  }

  read(id: string): Promise<InstanceView> {
    return this.#http.json("GET", pathOf("instances", id));
  }

  change(id: string, change: InstanceChangeInput): Promise<InstanceView> {
    return this.#http.json("PATCH", pathOf("instances", id), { body: change });
  }

  start(id: string): Promise<InstanceView> {
    return this.#http.json("POST", `${pathOf("instances", id)}/start`);
  }

  /** One that hibernates keeps its memory, and goes on with that when it is started. */
  stop(id: string, body: { hibernates?: boolean } = {}): Promise<InstanceView> {
    return this.#http.json("POST", `${pathOf("instances", id)}/stop`, { body });
  }

  reboot(id: string): Promise<InstanceView> {
    return this.#http.json("POST", `${pathOf("instances", id)}/reboot`);
  }

  /** To that machine, or to the one with the most room; it is there when `move` is gone, see `moved` and `stayed`. */
  migrate(id: string, machine?: string): Promise<InstanceView> {
    const body = machine === undefined ? {} : { machine };
    return this.#http.json("POST", `${pathOf("instances", id)}/migrate`, { body });
  }

  /** By which identity documents of instances are checked: X.509, PEM. */
  identityCertificate(): Promise<{ certificate: string }> {
    return this.#http.json("GET", "/v1/instance-identity-certificate");
  }

  /** Who is told of what happens to instances. */
  eventSubscriptions(): Promise<Page<EventSubscriptionView>> {
    return this.#http.json("GET", "/v1/event-subscriptions");
  }

  /** Has a webhook or a queue told from now on; of all events and instances, where none are named. */
  tell(asked: TellInput): Promise<EventSubscriptionView> {
    return this.#http.json("POST", "/v1/event-subscriptions", { body: asked });
  }

  tellNoLonger(subscription: string): Promise<void> {
    return this.#http.json("DELETE", pathOf("event-subscriptions", subscription));
  }

  /** What costs money and serves nobody. */
  savings(): Promise<{ items: SavingView[] }> {
    return this.#http.json("GET", "/v1/savings");
  }

  /** What spot instances have cost, the newest first. */
  spotPrices(query: SpotPricesAsked = {}): Promise<Page<SpotPriceView>> {
    return this.#http.json("GET", "/v1/spot-prices", { query: { ...query } });
  }

  /** How often they were taken away, type by type. */
  spotAdvice(): Promise<{ items: SpotAdviceView[] }> {
    return this.#http.json("GET", "/v1/spot-advice");
  }

  /** Empties a machine of instances. */
  evacuate(machine: string): Promise<EvacuatedView> {
    return this.#http.json("POST", `${pathOf("machines", machine)}/evacuate`);
  }

  terminate(id: string): Promise<InstanceView> {
    return this.#http.json("DELETE", pathOf("instances", id));
  }

  /** The last of what it printed. */
  async console(id: string): Promise<string> {
    return textOf((await this.#http.send("GET", `${pathOf("instances", id)}/console`)).body);
  }

  /** Opens its serial console, or runs a command in it. */
  async terminal(id: string, asked: TerminalAsked = {}): Promise<OpenedTerminal> {
    const query = new URLSearchParams();
    for (const word of asked.command ?? []) query.append("command", word);
    for (const [name, value] of Object.entries(asked.size ?? {})) query.set(name, String(value));
    return openTerminal(await this.#http.dial(`${pathOf("instances", id)}/terminal`, query));
  }

  /** A PNG. */
  async screenshot(id: string): Promise<Uint8Array> {
    return bytesOf((await this.#http.send("GET", `${pathOf("instances", id)}/screenshot`)).body);
  }

  types(kind?: string): Promise<{ items: InstanceTypeView[] }> {
    return this.#http.json("GET", "/v1/instance-types", { query: { kind } });
  }

  keyPairs(query: { limit?: number; cursor?: string } = {}): Promise<Page<KeyPairView>> {
    return this.#http.json("GET", "/v1/key-pairs", { query });
  }

  /** Of a public key when one is given; else its private half is told, this once. */
  createKeyPair(asked: {
    name: string;
    type?: KeyPairView["type"];
    publicKey?: string;
  }): Promise<MadeKeyPairView> {
    return this.#http.json("POST", "/v1/key-pairs", { body: asked });
  }

  removeKeyPair(name: string): Promise<void> {
    return this.#http.json("DELETE", pathOf("key-pairs", name));
  }
}

/** Calls about volumes and snapshots. */
export class VolumeCalls {
  #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  list(query: StorageAsked = {}): Promise<Page<VolumeView>> {
    return this.#http.json("GET", "/v1/volumes", { query: { ...query } });
  }

  create(asked: VolumeInput): Promise<VolumeView> {
    return this.#http.json("POST", "/v1/volumes", { body: asked });
  }

  read(id: string): Promise<VolumeView> {
    return this.#http.json("GET", pathOf("volumes", id));
  }

  change(id: string, change: VolumeChange): Promise<VolumeView> {
    return this.#http.json("PATCH", pathOf("volumes", id), { body: change });
  }

  attach(id: string, to: { instance: string; device: string }): Promise<VolumeView> {
    return this.#http.json("POST", `${pathOf("volumes", id)}/attach`, { body: to });
  }

  detach(id: string): Promise<VolumeView> {
    return this.#http.json("POST", `${pathOf("volumes", id)}/detach`);
  }

  remove(id: string): Promise<void> {
    return this.#http.json("DELETE", pathOf("volumes", id));
  }

  snapshots(query: StorageAsked = {}): Promise<Page<SnapshotView>> {
    return this.#http.json("GET", "/v1/snapshots", { query: { ...query } });
  }

  createSnapshot(asked: {
    volume: string;
    description?: string;
    name?: string;
    tags?: Record<string, string>;
  }): Promise<SnapshotView> {
    return this.#http.json("POST", "/v1/snapshots", { body: asked });
  }

  readSnapshot(id: string): Promise<SnapshotView> {
    return this.#http.json("GET", pathOf("snapshots", id));
  }

  removeSnapshot(id: string): Promise<void> {
    return this.#http.json("DELETE", pathOf("snapshots", id));
  }
}
