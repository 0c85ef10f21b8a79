import { setTimeout as sleep } from "node:timers/promises";
import { startWorld } from "#/api/testing/world.ts";
import type { MachineView, Page } from "#/model/views.ts";
import type { MachineOrder } from "../site.ts";

/** A cloud that listens, for machines to join. */
export interface Joining {
  readonly url: string;
  readonly folder: string;
  readonly cloudId: string;
  /** Its root token. */
  readonly root: string;
  /** An order with its token. */
  order(name: string, offer: string): Promise<MachineOrder>;
  /** The machines that joined with the token of that order and are connected. */
  machinesOf(order: string): Promise<MachineView[]>;
  /** Resolves when there is one. */
  connected(order: string): Promise<MachineView>;
  /** Has the machine of that order run a program that goes on. */
  run(order: string, command: readonly string[]): Promise<void>;
  /** Joins as an agent would, and stays away. */
  join(order: MachineOrder): Promise<void>;
  stop(): Promise<void>;
}

const joinMsMax = 60_000;

export async function startJoining(): Promise<Joining> {
  const world = await startWorld();
  const url = await world.listen();
  const machinesOf = async (order: string) => {
    const { items } = (await world.call("GET", "/v1/machines")).json<Page<MachineView>>();
    return items.filter(({ labels }) => labels["order"] === order);
  };
  return {
    url,
    folder: world.folder,
    cloudId: world.access.cloudId,
    root: world.root,
    async order(name, offer) {
      const body = { labels: { order: name } };
      const made = await world.call("POST", "/v1/join-tokens", { body });
      const { token } = made.json<{ token: string }>();
      return { name, offer, urls: [url], token };
    },
    machinesOf,
    async connected(order) {
      for (const untilMs = Date.now() + joinMsMax; Date.now() < untilMs; await sleep(50)) {
        const machine = (await machinesOf(order)).find(({ connected }) => connected);
        if (machine) return machine;
      }
      throw new Error(`no machine of ${order} has joined in ${joinMsMax} ms`);
    },
    async run(order, command) {
      const step = {
        name: "run",
        run: { driver: "process", command },
        needs: { labels: { order } },
      };
      const body = { title: "run", steps: [step] };
      const answer = await world.call("POST", "/v1/jobs", { body });
      if (answer.statusCode !== 201) throw new Error(answer.body);
    },
    async join({ name, token }) {
      await world.call("POST", "/v1/machines/join", { body: { token, hostname: name } });
    },
    stop: () => world.stop(),
  };
}
