import { bytesOf } from "#/base/body.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { JobRequestInput, StepRequestInput } from "#/model/job-request.ts";
import type {
  ChaosPolicyInput,
  ChaosPolicyView,
  ChaosPreview,
  GameDayInput,
  GameDayReport,
  GameDayView,
} from "#/model/chaos-views.ts";
import type { SiteDetail, SiteInput, SiteView } from "#/model/site-views.ts";
import type { FleetView } from "#/model/fleet-views.ts";
import type { CarbonZoneDetail, CarbonZoneInput, CarbonZoneView } from "#/model/carbon-views.ts";
import type { EnergyView, ProjectCostView } from "#/model/energy-views.ts";
import type { AutonomicPolicyInput, AutonomicPolicyView } from "#/model/policy-views.ts";
import type {
  DecisionView,
  OrderView,
  PlanInput,
  PlanView,
  RetryInput,
} from "#/model/plan-views.ts";
import type {
  ForecastView,
  ReplayInput,
  ReplayView,
  WhatIfInput,
  WhatIfView,
} from "#/model/forecast-views.ts";
import type {
  AppendedView,
  CostView,
  JobDetail,
  JobResult,
  JobView,
  KeyView,
  LogLineView,
  MachineView,
  MadeJoinTokenView,
  MadeKeyView,
  BlobView,
  Page,
  ProjectChange,
  ProjectView,
  StatusView,
  StepView,
  TaskDetail,
  TaskView,
  WhyView,
} from "#/model/views.ts";
import { findDoor, type Door, type Wish } from "./contexts.ts";
import { Http } from "./http.ts";
import { parseLines, streamEvents, wholeLines } from "./lines.ts";
import { thisWorld, type World } from "./world.ts";

/** A step to add: with its number, adding it twice does nothing more. */
export type NewStep = StepRequestInput & { number?: number };

export interface ConnectOptions extends Wish {
  /** How long a call goes on trying while the cloud cannot be reached or holds it back; 30 s when absent. */
  patienceMs?: number;
  world?: World;
}

const patienceMsDefault = 30_000;

/**
 * Finds the cloud (the options, CANOPY_URL and CANOPY_KEY, the current context) and gives calls to it.
 * Nothing is sent yet. Throws CanopyError "invalid" when no cloud is named.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const world = options.world ?? thisWorld();
  const door = await findDoor(world, options);
  return new Client(new Http(door, world, options.patienceMs ?? patienceMsDefault));
}

/** The calls of the REST API, typed. Each throws CanopyError with the code that the cloud gave. */
export class Client {
  readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  get door(): Door {
    return this.http.door;
  }

  /** The control plane that is spoken to now. */
  get url(): string {
    return this.http.url;
  }

  submitJob(request: JobRequestInput): Promise<JobView> {
    return this.http.json("POST", "/v1/jobs", { body: request });
  }

  /** A page of jobs, the newest first. */
  jobs(query: { phase?: string; limit?: number; cursor?: string } = {}): Promise<Page<JobView>> {
    return this.http.json("GET", "/v1/jobs", { query });
  }

  job(job: string): Promise<JobDetail> {
    return this.http.json("GET", jobPath(job));
  }

  cancelJob(job: string, reason?: string): Promise<JobView> {
    return this.http.json("POST", `${jobPath(job)}/cancel`, {
      body: reason === undefined ? {} : { reason },
    });
  }

  /** Runs what failed or was cancelled again; `goal` says what of its deadline and budget is to be otherwise. */
  retryJob(job: string, goal: RetryInput = {}): Promise<JobView> {
    return this.http.json("POST", `${jobPath(job)}/retry`, { body: goal });
  }

  /** Says that no more steps will be added. Closing twice does nothing more. */
  closeJob(job: string): Promise<JobView> {
    return this.http.json("POST", `${jobPath(job)}/close`, { body: {}, repeatable: true });
  }

  cost(job: string): Promise<CostView> {
    return this.http.json("GET", `${jobPath(job)}/cost`);
  }

  costOfProject(project: string, lastMs?: number): Promise<ProjectCostView> {
    const query = lastMs === undefined ? {} : { lastMs };
    return this.http.json("GET", `/v1/projects/${encodeURIComponent(project)}/cost`, { query });
  }

  energy(): Promise<EnergyView> {
    return this.http.json("GET", "/v1/energy");
  }

  /** When jobs that have not ended will, and what they will have cost; of one job when given. */
  forecast(query: { job?: string; forks?: number; seed?: number } = {}): Promise<ForecastView> {
    return this.http.json("GET", "/v1/forecast", { query });
  }

  /** The same as it is, and as it would be after a change. Changes nothing. */
  whatIf(request: WhatIfInput): Promise<WhatIfView> {
    return this.http.json("POST", "/v1/what-if", { body: request, repeatable: true });
  }

  /** Runs what was submitted of late again, in simulated time, once under each scheduling policy. */
  replay(request: ReplayInput): Promise<ReplayView> {
    return this.http.json("POST", "/v1/replays", { body: request, repeatable: true });
  }

  /** Why a job ("j…"), a step ("j…/0") or a task ("j…/0/7") is where it is. `not` asks why it is not on that machine. */
  why(name: string, not?: string): Promise<WhyView> {
    const [job, step, index] = name.split("/");
    if (index === undefined)
      return this.http.json("GET", `${jobPath(job!)}/why`, { query: { not, step } });
    const path = `${stepPath(job!, step!)}/tasks/${index}`;
    return this.http.json("GET", `${path}/why`, { query: { not } });
  }

  /** Why a machine, an order, a plan, a site, a project or a key is as it is. Throws CanopyError "not-found". */
  whyOf(kind: ExplainedKind, name: string): Promise<WhyView> {
    return this.http.json("GET", `/v1/${kind}s/${encodeURIComponent(name)}/why`);
  }

  /** Why the machines that the project's jobs share are as they are. */
  whyFleet(): Promise<WhyView> {
    return this.http.json("GET", "/v1/fleet/why");
  }

  /** What the policy of the project does, and what was decided lately under it. */
  whyPolicy(): Promise<WhyView> {
    return this.http.json("GET", "/v1/policy/why");
  }

  /** How a job ended. Waits up to `waitMs` for its end; its phase is "running" when that was not long enough. */
  result(job: string, waitMs = 0): Promise<JobResult> {
    return this.http.json("GET", `${jobPath(job)}/result`, { query: { waitMs } });
  }

  /** A job as it goes on: at once, at each change, and when it has ended, which is the last. */
  async *progress(job: string, signal?: AbortSignal): AsyncGenerator<JobDetail> {
    const headers = { accept: "text/event-stream" };
    const { body } = await this.http.send("GET", `${jobPath(job)}/events`, { headers, signal });
    for await (const event of streamEvents(body)) {
      if (event.type !== "progress" && event.type !== "end") continue;
      yield JSON.parse(event.data) as JobDetail;
      if (event.type === "end") return;
    }
  }

  addStep(job: string, { number, ...step }: NewStep): Promise<StepView> {
    return this.http.json("POST", `${jobPath(job)}/steps`, {
      query: { number },
      body: step,
      repeatable: number !== undefined,
    });
  }

  steps(job: string, query: { limit?: number; cursor?: string } = {}): Promise<Page<StepView>> {
    return this.http.json("GET", `${jobPath(job)}/steps`, { query });
  }

  /**
   * Appends tasks to a step with a "list" source: one JSON text each, the first of them being number
   * `from`. What the step has already is skipped, so a call that was cut off may be made again.
   */
  appendTasks(
    job: string,
    step: number | string,
    from: number,
    inputs: readonly string[],
    close = false,
  ): Promise<AppendedView> {
    return this.http.json("POST", `${stepPath(job, step)}/tasks`, {
      query: { from, close },
      headers: { "content-type": "application/x-ndjson" },
      text: inputs.length === 0 ? "" : `${inputs.join("\n")}\n`,
      repeatable: true,
      heldBack: true,
    });
  }

  tasks(
    job: string,
    query: { phase?: string; step?: number; limit?: number; cursor?: string } = {},
  ): Promise<Page<TaskView>> {
    return this.http.json("GET", `${jobPath(job)}/tasks`, { query });
  }

  task(job: string, step: number | string, index: number): Promise<TaskDetail> {
    return this.http.json("GET", `${stepPath(job, step)}/tasks/${index}`);
  }

  /** Lines that tasks printed, in batches; with `follow`, as they come until the job has ended. */
  async *logs(
    job: string,
    options: { task?: string; follow?: boolean; after?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<LogLineView[]> {
    const { task, follow, after, signal } = options;
    const headers = { accept: "application/x-ndjson" };
    const query = { task, follow: follow || undefined, after };
    const { body } = await this.http.send("GET", `${jobPath(job)}/logs`, {
      query,
      headers,
      signal,
    });
    for await (const piece of wholeLines(body)) yield parseLines<LogLineView>(piece);
  }

  machines(query: { limit?: number; cursor?: string } = {}): Promise<Page<MachineView>> {
    return this.http.json("GET", "/v1/machines", { query });
  }

  machine(machine: string): Promise<MachineView> {
    return this.http.json("GET", `/v1/machines/${encodeURIComponent(machine)}`);
  }

  changeMachine(
    machine: string,
    change: { cordoned?: boolean; labels?: Record<string, string> },
  ): Promise<MachineView> {
    return this.http.json("PATCH", `/v1/machines/${encodeURIComponent(machine)}`, { body: change });
  }

  removeMachine(machine: string): Promise<void> {
    return this.http.json("DELETE", `/v1/machines/${encodeURIComponent(machine)}`);
  }

  makeJoinToken(labels: Record<string, string> = {}): Promise<MadeJoinTokenView> {
    return this.http.json("POST", "/v1/join-tokens", { body: { labels } });
  }

  /** Keeps content under its SHA-256. */
  putBlob(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobView> {
    const headers = { "content-type": "application/octet-stream" };
    return this.http.json("POST", "/v1/blobs", { content, headers, repeatable: true });
  }

  /** Throws CanopyError "not-found". */
  async getBlob(key: string): Promise<Uint8Array> {
    return bytesOf(await this.streamBlob(key));
  }

  /** A blob in pieces. Throws CanopyError "not-found". */
  async streamBlob(key: string): Promise<AsyncIterable<Uint8Array>> {
    return (await this.http.send("GET", `/v1/blobs/${key}`)).body;
  }

  /** A backup of the whole cloud, in pieces. */
  async streamBackup(wish: Record<"secrets" | "objects", boolean>) {
    const query = { secrets: String(wish.secrets), objects: String(wish.objects) };
    return (await this.http.send("GET", "/v1/backup", { query })).body;
  }

  async hasBlob(key: string): Promise<boolean> {
    try {
      await this.http.json("HEAD", `/v1/blobs/${key}`);
      return true;
    } catch (thrown) {
      if (thrown instanceof CanopyError && thrown.code === "not-found") return false;
      throw thrown;
    }
  }

  sites(query: { limit?: number; cursor?: string } = {}): Promise<Page<SiteView>> {
    return this.http.json("GET", "/v1/sites", { query });
  }

  site(site: string): Promise<SiteDetail> {
    return this.http.json("GET", `/v1/sites/${encodeURIComponent(site)}`);
  }

  setSite(site: string, input: SiteInput): Promise<SiteDetail> {
    const path = `/v1/sites/${encodeURIComponent(site)}`;
    return this.http.json("PUT", path, { body: input, repeatable: true });
  }

  /** With `release`, its machines are given back first, and it goes with the last of them. */
  removeSite(site: string, release = false): Promise<void> {
    const path = `/v1/sites/${encodeURIComponent(site)}`;
    return this.http.json("DELETE", path, { query: { release: release || undefined } });
  }

  carbonZones(query: { limit?: number; cursor?: string } = {}): Promise<Page<CarbonZoneView>> {
    return this.http.json("GET", "/v1/carbon-zones", { query });
  }

  carbonZone(zone: string): Promise<CarbonZoneDetail> {
    return this.http.json("GET", `/v1/carbon-zones/${encodeURIComponent(zone)}`);
  }

  setCarbonZone(zone: string, input: CarbonZoneInput): Promise<CarbonZoneDetail> {
    const path = `/v1/carbon-zones/${encodeURIComponent(zone)}`;
    return this.http.json("PUT", path, { body: input, repeatable: true });
  }

  removeCarbonZone(zone: string): Promise<void> {
    return this.http.json("DELETE", `/v1/carbon-zones/${encodeURIComponent(zone)}`);
  }

  chaosPolicy(): Promise<ChaosPolicyView> {
    return this.http.json("GET", "/v1/chaos/policy");
  }

  setChaosPolicy(policy: ChaosPolicyInput): Promise<ChaosPolicyView> {
    return this.http.json("PUT", "/v1/chaos/policy", { body: policy, repeatable: true });
  }

  removeChaosPolicy(): Promise<void> {
    return this.http.json("DELETE", "/v1/chaos/policy");
  }

  /** What a game day would hit at this moment. */
  previewGameDay(wish: Pick<GameDayInput, "targets" | "seed">): Promise<ChaosPreview> {
    return this.http.json("POST", "/v1/chaos/preview", { body: wish, repeatable: true });
  }

  startGameDay(wish: GameDayInput): Promise<GameDayView> {
    return this.http.json("POST", "/v1/chaos/game-days", { body: wish });
  }

  /** A page of game days, the newest first. */
  gameDays(query: { limit?: number; cursor?: string } = {}): Promise<Page<GameDayView>> {
    return this.http.json("GET", "/v1/chaos/game-days", { query });
  }

  gameDay(gameDay: string): Promise<GameDayReport> {
    return this.http.json("GET", `/v1/chaos/game-days/${encodeURIComponent(gameDay)}`);
  }

  stopGameDay(gameDay: string): Promise<GameDayView> {
    const path = `/v1/chaos/game-days/${encodeURIComponent(gameDay)}/stop`;
    return this.http.json("POST", path, { body: {}, repeatable: true });
  }

  /** Plans a job; nothing is spent before the plan is approved. Throws "infeasible" with the nearest goal. */
  makePlan(plan: PlanInput): Promise<PlanView> {
    return this.http.json("POST", "/v1/plans", { body: plan });
  }

  plan(plan: string): Promise<PlanView> {
    return this.http.json("GET", `/v1/plans/${encodeURIComponent(plan)}`);
  }

  plans(query: { limit?: number; cursor?: string } = {}): Promise<Page<PlanView>> {
    return this.http.json("GET", "/v1/plans", { query });
  }

  /** Submits the planned job. */
  approvePlan(plan: string): Promise<JobView>;
  /** The same for a plan that may be about a project's shared machines: the answer is then the plan. */
  approvePlan(plan: string, isAny: true): Promise<JobView | PlanView>;
  approvePlan(plan: string): Promise<JobView | PlanView> {
    return this.http.json("POST", `/v1/plans/${encodeURIComponent(plan)}/approve`, {
      repeatable: true,
    });
  }

  /** Carries out exactly the plan of that digest; the same job when it was before. */
  applyPlan(plan: string, digest: string): Promise<JobView> {
    return this.http.json("POST", `/v1/plans/${encodeURIComponent(plan)}/apply`, {
      body: { digest },
      repeatable: true,
    });
  }

  declinePlan(plan: string): Promise<PlanView> {
    return this.http.json("POST", `/v1/plans/${encodeURIComponent(plan)}/decline`, {
      repeatable: true,
    });
  }

  policy(): Promise<AutonomicPolicyView> {
    return this.http.json("GET", "/v1/policy");
  }

  setPolicy(policy: AutonomicPolicyInput): Promise<AutonomicPolicyView> {
    return this.http.json("PUT", "/v1/policy", { body: policy, repeatable: true });
  }

  removePolicy(): Promise<void> {
    return this.http.json("DELETE", "/v1/policy");
  }

  /** Machines that the project's jobs share, and what was decided for them. */
  fleet(): Promise<FleetView> {
    return this.http.json("GET", "/v1/fleet");
  }

  orders(query: { limit?: number; cursor?: string } = {}): Promise<Page<OrderView>> {
    return this.http.json("GET", "/v1/orders", { query });
  }

  /** What was decided for a job, and why; the newest first. */
  decisions(
    job: string,
    query: { limit?: number; cursor?: string } = {},
  ): Promise<Page<DecisionView>> {
    return this.http.json("GET", `${jobPath(job)}/decisions`, { query });
  }

  projects(query: { limit?: number; cursor?: string } = {}): Promise<Page<ProjectView>> {
    return this.http.json("GET", "/v1/projects", { query });
  }

  makeProject(project: { name: string; title?: string; weight?: number }): Promise<ProjectView> {
    return this.http.json("POST", "/v1/projects", { body: project });
  }

  changeProject(project: string, change: ProjectChange): Promise<ProjectView> {
    return this.http.json("PATCH", `/v1/projects/${encodeURIComponent(project)}`, { body: change });
  }

  removeProject(project: string): Promise<void> {
    return this.http.json("DELETE", `/v1/projects/${encodeURIComponent(project)}`);
  }

  keys(query: { limit?: number; cursor?: string } = {}): Promise<Page<KeyView>> {
    return this.http.json("GET", "/v1/keys", { query });
  }

  makeKey(key: Partial<KeyView> & { title: string }): Promise<MadeKeyView> {
    return this.http.json("POST", "/v1/keys", { body: key });
  }

  removeKey(key: string): Promise<void> {
    return this.http.json("DELETE", `/v1/keys/${encodeURIComponent(key)}`);
  }

  status(): Promise<StatusView> {
    return this.http.json("GET", "/v1/status");
  }
}

/** All items of a list, page after page. */
export async function* allOf<T>(
  page: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  for (let cursor: string | undefined; ;) {
    const { items, next } = await page(
      cursor === undefined ? { limit: limits.pageMax } : { limit: limits.pageMax, cursor },
    );
    yield* items;
    if (next === undefined) return;
    cursor = next;
  }
}

export function jobPath(job: string): string {
  return `/v1/jobs/${encodeURIComponent(job)}`;
}

export function stepPath(job: string, step: number | string): string {
  return `${jobPath(job)}/steps/${encodeURIComponent(step)}`;
}

type ExplainedKind = "machine" | "order" | "plan" | "site" | "project" | "key" | KindOfInstances;
type KindOfInstances = "instance" | "instance-type" | "saving";
