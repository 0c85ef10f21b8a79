import { join } from "node:path";
import { allDone } from "#/base/all-done.ts";
import { messageOf } from "#/base/errors.ts";
import type { MetadataService } from "../metadata/service.ts";
import { NameService } from "./name-service.ts";
import { namespaceFile, type NetworkNames } from "./names.ts";
import type { NetworksParts } from "./parts.ts";
import { settleScript, shapeOf } from "./place-script.ts";
import { ReadyPlaces } from "./ready-places.ts";
import type { ScriptShells } from "./script-shells.ts";
import { addedRules, vpcRules, type Surroundings, type VpcRules } from "./vpc-rules.ts";
import {
  elasticScript,
  leaveScript,
  memberScript,
  peersScript,
  razeScript,
  vpcScript,
} from "./vpc-script.ts";
import { metadataAddress, type Member, type VpcState } from "./vpc-state.ts";

export interface VpcNetworkParts extends NetworksParts {
  names: NetworkNames;
  service: MetadataService;
  shells: ScriptShells;
  /** Where what is made is written down, not durably: it goes when the machine starts anew, as what is made does. */
  runFolder: string;
  surroundings(state: VpcState): Surroundings;
  /** What the machine's own namespace is told follows from all VPCs. */
  tellMachine(): Promise<void>;
}

/** One VPC on this machine: a namespace that all traffic of its instances goes through. */
export class VpcNetwork {
  readonly state: VpcState;
  #parts: VpcNetworkParts;
  #nameService: NameService;
  #places: ReadyPlaces;
  #isMade = false;
  #made = new Map<string, string>();
  #failures = new Map<string, unknown>();
  #peers: Readonly<Record<string, string>> | undefined;
  #rules: VpcRules | undefined;
  #elastic: readonly string[] = [];
  #closeMetadata: (() => Promise<void>) | undefined;
  #turn: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(parts: VpcNetworkParts, state: VpcState) {
    this.#parts = parts;
    this.state = state;
    const namespace = parts.names.namespace(state.vpc);
    this.#nameService = new NameService(parts, { folder: this.#folder, namespace });
    this.#places = new ReadyPlaces(parts, state.vpc);
  }

  get #folder(): string {
    return join(this.#parts.runFolder, this.state.vpc);
  }

  get isEmpty(): boolean {
    return Object.keys(this.state.members).length === 0;
  }

  /** An instance's part of it was made, by this life of the agent. */
  has(instance: string): boolean {
    const isMade = this.#isMade && this.#closeMetadata !== undefined;
    return isMade && this.#made.has(instance) && !this.#failures.has(instance);
  }

  /** Throws HostingError with why an instance's part of it could not be made. */
  mustHave(instance: string): void {
    const failure = this.#failures.get(instance);
    if (failure) throw failure;
  }

  /** Resolves when the machine is as the state says, but for instances that `mustHave` tells of; calls that come while that is done share the next time. */
  apply(): Promise<void> {
    if (!this.#turn) {
      this.#turn = this.#apply().finally(() => (this.#turn = undefined));
      return this.#turn;
    }
    this.#next ??= this.#turn
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.apply();
      });
    return this.#next;
  }

  async #apply(): Promise<void> {
    const { names, address, files, surroundings, tellMachine } = this.#parts;
    const { state } = this;
    await files.makeFolder(this.#folder);
    await files.write(this.#stateFile, JSON.stringify(state), { mode: 0o600, durable: false });
    const isLost = !this.#isMade && !(await files.stat(namespaceFile(names.namespace(state.vpc))));
    if (isLost) await this.#nameService.stop(); // it would go on in a namespace that nobody else is in
    const members = Object.values(state.members);
    const scripts = members.map((member) => [member, memberScript(names, state, member)] as const);
    const due = scripts.filter(([{ instance }, script]) => this.#made.get(instance) !== script);
    const places = await this.#placesFor(due.map(([member]) => member));
    const begin = this.#isMade ? "" : vpcScript(names, state, address);
    const peers =
      JSON.stringify(this.#peers) === JSON.stringify(state.order.peers)
        ? ""
        : peersScript(names, state, this.#peers);
    const rules = vpcRules(state, surroundings(state));
    const elastic = members.flatMap(({ network }) => network.elasticIp ?? []);
    const gone = this.#elastic.filter((one) => !elastic.includes(one));
    const routed =
      begin || elastic.join() !== this.#elastic.join()
        ? elasticScript(names, state, { now: elastic, gone })
        : "";
    const makes = (before: string) => this.#make(before, due, places, `${peers}\n${routed}`);
    const tells = () => allDone(this.#tellNames(), this.#openMetadata(), tellMachine());
    // Rules before what they rule: those that are there let nothing pass of a port that they do not know.
    if (this.#isMade) await allDone(this.#rule(rules), makes(""), tells());
    else await makes(`${begin}\n${this.#ruling(rules.text)}`).then(tells);
    this.#elastic = elastic;
    this.#isMade = true;
    this.#rules = rules;
    this.#peers = state.order.peers;
    for (const [{ instance, isGuest, network }, script] of due) {
      if (this.#failures.has(instance)) continue;
      this.#made.set(instance, script);
      if (!isGuest) this.#places.more(shapeOf(network));
    }
  }

  #ruling(text: string): string {
    return nftScript(text, this.#parts.names.namespace(this.state.vpc));
  }

  /** Where nothing but new members is to be told, that alone is. */
  async #rule(rules: VpcRules): Promise<void> {
    if (rules.text === this.#rules?.text) return;
    const added = this.#rules && addedRules(this.#rules, rules);
    if (added === undefined) return this.#run(this.#ruling(rules.text));
    try {
      await this.#run(this.#ruling(added));
    } catch {
      // What was told before came to less, or to more: all is told anew.
      await this.#run(this.#ruling(rules.text));
    }
  }

  /** Places that wait, for those that have none at all yet. */
  async #placesFor(due: readonly Member[]): Promise<Map<string, string>> {
    const { files, names } = this.#parts;
    const places = new Map<string, string>();
    for (const { instance, isGuest, network } of this.#isMade ? due : []) {
      if (isGuest || this.#made.has(instance)) continue;
      if (await files.stat(namespaceFile(names.namespace(instance)))) continue;
      const place = this.#places.take(shapeOf(network));
      if (place !== undefined) places.set(instance, place);
    }
    return places;
  }

  /** What cannot be made of one instance is in no other's way: each is made by itself then. */
  async #make(
    before: string,
    due: readonly (readonly [Member, string])[],
    places: ReadonlyMap<string, string>,
    after: string,
  ): Promise<void> {
    const { names } = this.#parts;
    const { vpc } = this.state;
    const first = due.map(([member, script]) => {
      const place = places.get(member.instance);
      return place === undefined ? script : settleScript(names, this.state, member, place);
    });
    this.#failures.clear(); // those are due again
    try {
      return await this.#run([before, ...first, after].join("\n"));
    } catch (thrown) {
      if (due.length === 0) throw thrown;
    }
    await this.#run(before);
    for (const instance of places.keys()) await this.#run(leaveScript(names, vpc, instance));
    for (const [{ instance }, script] of due)
      await this.#run(script).catch((thrown: unknown) => this.#failures.set(instance, thrown));
    await this.#run(after);
  }

  async #tellNames(): Promise<void> {
    const { files } = this.#parts;
    const behindStub = "/run/systemd/resolve/resolv.conf";
    const resolvers = (await files.stat(behindStub)) ? behindStub : "/etc/resolv.conf";
    await this.#nameService.tell(this.state, resolvers);
  }

  /** Who asks is known by its address, which nobody can have but who has it. */
  async #openMetadata(): Promise<void> {
    if (this.#closeMetadata) return;
    const { network, names, service } = this.#parts;
    const namespace = namespaceFile(names.namespace(this.state.vpc));
    const { close } = await network.serve(
      { namespace, host: metadataAddress, port: 80 },
      async (request) => service.answer(this.#at(request.from), request),
    );
    this.#closeMetadata = close;
  }

  #at(address: string): string | undefined {
    const members = Object.values(this.state.members);
    return members.find(({ network }) => network.privateIp === address)?.instance;
  }

  async remove(member: Member): Promise<void> {
    delete this.state.members[member.instance];
    await this.#turn?.catch(() => {});
    this.#made.delete(member.instance);
    await this.#run(leaveScript(this.#parts.names, this.state.vpc, member.instance));
  }

  /** Nothing of it stays. */
  async raze(): Promise<void> {
    const { names, files, log } = this.#parts;
    await this.#turn?.catch(() => {});
    await this.#nameService.stop();
    await this.close();
    await this.#run(razeScript(names, this.state.vpc)).catch((thrown: unknown) => {
      log.warn(`the network ${this.state.vpc} cannot be removed`, { error: messageOf(thrown) });
    });
    await files.remove(this.#folder);
  }

  /** The agent ends; all but its own answers goes on. */
  async close(): Promise<void> {
    await this.#places.close();
    await this.#closeMetadata?.();
    this.#closeMetadata = undefined;
  }

  get #stateFile(): string {
    return join(this.#folder, "state.json");
  }

  async #run(script: string): Promise<void> {
    if (script.trim() === "") return;
    await this.#parts.shells.run(script);
  }
}

/** Rules in a namespace, or in the machine's own. */
export function nftScript(rules: string, namespace?: string): string {
  const inside = namespace === undefined ? "" : `nsenter --net=${namespaceFile(namespace)} `;
  return `${inside}nft -f - <<'.'\n${rules}.\n`;
}
