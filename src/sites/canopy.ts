import { textOf } from "#/base/body.ts";
import { CanopyError, errorCodes, type ErrorCode } from "#/base/errors.ts";
import type { JobRequestInput } from "#/model/job-request.ts";
import type { Offer } from "#/model/site.ts";
import type { CanopyConfig } from "#/model/site-config.ts";
import type { JobView, MachineView, Page } from "#/model/views.ts";
import { OneAtATime } from "#/base/one-at-a-time.ts";
import { counted } from "#/model/units.ts";
import { urlsFor, type SiteParts } from "./parts.ts";
import { offerNameOf, sizedOffer } from "./sized-offer.ts";
import type { HeldMachine, Holdings, MachineOrder, Site } from "./site.ts";
import { bootScript } from "./user-data.ts";

/** How many there may be is decided for one at a time. */
const everyOrder = "";
/** A task that is an agent keeps one of these: its cloud takes it back for others like any other task. */
const step = "machine";
/** Pages of ended jobs that are looked through for machines of ours. */
const endedJobsMax = 100;

/**
 * Another Canopy lends machines. A machine is a job there, whose one task is our agent, in the bounds of the
 * offer: the lender's quotas, fair share, accounts and policies hold for it as for any job, and it needs
 * nothing new to lend. Releasing cancels the job.
 */
export class CanopySite implements Site {
  #config: CanopyConfig;
  #parts: SiteParts;
  #turns = new OneAtATime();

  constructor(config: CanopyConfig, parts: SiteParts) {
    this.#config = config;
    this.#parts = parts;
  }

  /** As many as have room on the lender's machines now. */
  async offers(): Promise<Offer[]> {
    const { milliCpus, memoryBytes, machinesMax, bootMs } = this.#config;
    const machines = await this.#all<MachineView>("/v1/machines", { connected: "true" });
    const rooms = machines
      .filter(({ cordoned }) => !cordoned)
      .map(({ free }) =>
        Math.min(
          Math.floor((free?.milliCpus ?? 0) / milliCpus),
          Math.floor((free?.memoryBytes ?? 0) / memoryBytes),
        ),
      );
    const room = rooms.reduce((sum, count) => sum + count, 0);
    const left = machinesMax - (await this.#liveCount());
    const countMax = Math.min(room, left);
    return [sizedOffer(this.#config, { site: this.#parts.name, bootMs, countMax })];
  }

  acquire(order: MachineOrder): Promise<HeldMachine> {
    const make = () => this.#turns.run(everyOrder, () => this.#make(order));
    return this.#turns.run(order.name, make);
  }

  async #make(order: MachineOrder): Promise<HeldMachine> {
    const title = this.#titleOf(order.name);
    const known = (await this.#jobs()).find((job) => job.title === title);
    if (known) return this.#heldOf(known);
    const { name } = this.#parts;
    const cannot = `Cannot make the machine of ${order.name} as`;
    if (order.offer !== offerNameOf(this.#config))
      throw new CanopyError("not-found", `${cannot} '${name}' has no offer '${order.offer}'`);
    const { machinesMax } = this.#config;
    if ((await this.#liveCount()) >= machinesMax) {
      throw new CanopyError(
        "no-capacity",
        `${cannot} '${name}' gives at most ${counted(machinesMax, "machine")} at once`,
      );
    }
    const body = JSON.stringify(this.#request(order, title));
    const job = await this.#ask<JobView>("POST", "/v1/jobs", { body, once: title });
    return this.#heldOf(job);
  }

  #request({ urls, token }: MachineOrder, title: string): JobRequestInput {
    const { milliCpus, memoryBytes } = this.#config;
    const cpus = milliCpus / 1000;
    const script = `export CANOPY_FOLDER="$PWD/machine"\n${bootScript({ urls: urlsFor(this.#config, urls), token })}`;
    const size = ["--cpus", String(cpus), "--memory", String(memoryBytes)];
    const command = ["/bin/sh", "-c", script, "sh", ...size];
    // The token is good once: a second attempt could not join.
    const one = { name: step, retries: 0, needs: { cpus, memoryBytes } };
    return { title, steps: [{ ...one, run: { driver: "process", command } }] };
  }

  async held(): Promise<Holdings> {
    return { machines: (await this.#jobs()).map((job) => this.#heldOf(job)), unknown: [] };
  }

  release(order: string): Promise<void> {
    return this.#turns.run(order, async () => {
      const title = this.#titleOf(order);
      for (const job of await this.#jobs())
        if (job.title === title && job.phase === "running")
          await this.#ask("POST", `/v1/jobs/${job.id}/cancel`, { body: "{}" });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #liveCount(): Promise<number> {
    return (await this.held()).machines.filter(({ state }) => state !== "ended").length;
  }

  /** Ours there: all that run, and the newest that have ended. */
  async #jobs(): Promise<JobView[]> {
    const newest = await this.#ask<Page<JobView>>("GET", "/v1/jobs", {
      query: { limit: String(endedJobsMax) },
    });
    const running = await this.#all<JobView>("/v1/jobs", { phase: "running" });
    const prefix = this.#titleOf("");
    const all = new Map([...newest.items, ...running].map((job) => [job.id, job]));
    return [...all.values()].filter(({ title }) => title.startsWith(prefix));
  }

  #titleOf(order: string): string {
    return `machine of ${this.#parts.cloudId}/${this.#parts.name}/${order}`;
  }

  #heldOf({ id, title, phase, tasks, submittedAt, reason }: JobView): HeldMachine {
    const isStarted = (tasks?.running ?? 0) > 0;
    const state = phase !== "running" ? "ended" : isStarted ? "running" : "booting";
    return {
      order: title.slice(this.#titleOf("").length),
      handle: id,
      state,
      since: Date.parse(submittedAt),
      ...(state === "ended" && { reason: reason ?? `its job there has ${phase}` }),
    };
  }

  async #all<Item>(path: string, query: Record<string, string>): Promise<Item[]> {
    const items: Item[] = [];
    let cursor: string | undefined;
    do {
      const page: Page<Item> = await this.#ask("GET", path, {
        query: { ...query, ...(cursor !== undefined && { cursor }) },
      });
      items.push(...page.items);
      cursor = page.next;
    } while (cursor !== undefined);
    return items;
  }

  async #ask<T>(
    method: string,
    path: string,
    { query = {}, body, once }: { query?: Record<string, string>; body?: string; once?: string },
  ): Promise<T> {
    const { name, network, secrets } = this.#parts;
    if (secrets.key === undefined) {
      throw new CanopyError(
        "forbidden",
        `Cannot open '${name}' as it has no key of the other cloud`,
      );
    }
    const { url: base, project } = this.#config;
    const url = new URL(path, base);
    const all = { ...query, ...(project !== undefined && { project }) };
    for (const [word, value] of Object.entries(all)) url.searchParams.set(word, value);
    const answer = await network.request({
      method,
      url: url.href,
      headers: {
        authorization: `Bearer ${secrets.key}`,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(once !== undefined && { "idempotency-key": once }),
      },
      ...(body !== undefined && { body }),
    });
    const text = await textOf(answer.body);
    if (answer.status < 300) return (text === "" ? undefined : JSON.parse(text)) as T;
    throw refusal(answer.status, text, base);
  }
}

/** What the other cloud said, as `Site` says it. */
function refusal(status: number, text: string, url: string): CanopyError {
  let words = text.slice(0, 500);
  let code: ErrorCode = status >= 500 ? "unavailable" : "forbidden";
  try {
    const problem = JSON.parse(text) as { code?: string; detail?: string };
    words = problem.detail ?? words;
    if (problem.code === "infeasible") code = "no-capacity";
    if (problem.code !== undefined && problem.code in errorCodes && problem.code === "limited")
      code = "limited";
  } catch {
    // Something else than a Canopy answers there.
  }
  return new CanopyError(code, `${url} said: ${words}`);
}
