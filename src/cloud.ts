import { extname, join } from "node:path";
import { loadSecrets } from "#/access/secrets.ts";
import type { MasterKeys } from "#/access/vault.ts";
import { Members } from "#/api/members.ts";
import type { AgentDownload } from "#/api/parts.ts";
import { buildServer } from "#/api/server.ts";
import { oneBackupAtATime } from "#/backup/one-at-a-time.ts";
import { sleep, within } from "#/base/clock.ts";
import { textOf } from "#/base/body.ts";
import { CanopyError, messageOf, type ErrorCode } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { isLoopback } from "#/base/loopback.ts";
import { startThread } from "#/base/node/threads.ts";
import { openDoor } from "#/base/node/door.ts";
import { nodeForward } from "#/base/node/forward.ts";
import { Planner } from "#/autonomic/planner.ts";
import { Forecaster } from "#/forecast/forecaster.ts";
import { eta } from "#/jobs/eta.ts";
import { addStep, appendTasks, cancelJob, closeJob, retryJob, submitJob } from "#/jobs/submit.ts";
import type { Placement } from "#/model/placement.ts";
import type { ProblemView } from "#/model/views.ts";
import { listPrices } from "#/meter/prices.ts";
import type { AgentFiles } from "#/sites/parts.ts";
import type { OpenSite } from "#/sites/site.ts";
import type { SharedLog, SpaceLog } from "#/space/log.ts";
import { Trail } from "#/trail/trail.ts";
import { startAnnouncing } from "./announce.ts";
import { openLocalStore, type OpenBig } from "#/objects/local/open.ts";
import { startEngine, startSharedEngine, type Engine, type SharedParts } from "./engine.ts";
import { openAwsDoor, refuseAsAws } from "./aws-door.ts";
import { Front, refuseNatively } from "./front.ts";

export interface CloudOptions {
  /** Everything that it keeps, and does not share, is in here. */
  dataFolder: string;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Of the AWS services; 0 takes a free one. */
  awsPort: number;
  /** Where the bytes of large objects are, when not in the data folder. */
  openBig?: OpenBig;
  version: string;
  /** Its own, or one that it shares: opened anew each time that it begins anew. */
  log: SpaceLog | ({ open(): SharedLog } & SharedParts);
  openSite?: OpenSite;
  /** What machines fetch that have nothing of Canopy. */
  agentFiles?: () => Promise<AgentFiles>;
  placement?: Placement;
  /** What seals secrets in the end; the cloud's signing secret when absent. */
  masters?: MasterKeys;
  /** Addresses that projects may be given, a CIDR; none when absent. */
  addressPool?: string;
  /** Called once when its own log can no longer be trusted: must end the process. */
  onBroken: (error: unknown) => void;
}

/** A control plane that listens. */
export interface Cloud {
  /** Where this computer reaches it. */
  url: string;
  /** Where this computer reaches its AWS services. */
  awsUrl: string;
  /** Where others do; undefined when it listens to this computer only. */
  networkUrl: string | undefined;
  rootToken: string;
  /** A call of its API, as root, made once. Throws CanopyError with the code of its answer. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Lets another lead, ends streams and links, waits for what is not yet on disk, and closes the log. */
  stop(): Promise<void>;
}

/** One engine and its server, from when it begins until it is over. */
interface Life {
  engine: Engine;
  members: Members;
  end(): Promise<void>;
}

const againMs = 500;
const graceMs = 2_000;
/** Beside this file: packed without their types, they have the ending of this one. */
const forecastProgram = `./forecast-thread${extname(import.meta.url)}`;
const solverProgram = `./solver-thread${extname(import.meta.url)}`;
const stopMsMax = 10_000;

/** Opens the door to an engine. Throws what the log throws at its first opening. */
export async function startCloud(host: Host, options: CloudOptions): Promise<Cloud> {
  const front = new Front(host.clock, refuseNatively);
  const awsFront = new Front(host.clock, refuseAsAws, true);
  const door = await openDoor(options, front);
  const awsDoor = await openDoor({ host: options.host, port: options.awsPort }, awsFront).catch(
    async (thrown) => {
      await door.close(0);
      throw thrown;
    },
  );
  const addresses = host.processes.facts().addresses;
  const { url, networkUrl } = urlsOf(options.host, door.port, addresses);
  const { url: awsUrl, networkUrl: awsNetworkUrl } = urlsOf(options.host, awsDoor.port, addresses);
  const publicAwsUrl = awsNetworkUrl ?? awsUrl;
  const publicUrl = networkUrl ?? url;
  const trail = await Trail.open(join(options.dataFolder, "trail"), host);
  let isStopping = false;
  let life: Life | undefined;

  async function begin(): Promise<void> {
    // It may be over before it has begun: one that was replaced then would stay in front of the new one.
    const begun = Promise.withResolvers<void>();
    const onOver = (reason: string) => void begun.promise.then(() => beginAnew(reason));
    const engine = await openEngine(host, options, publicUrl, onOver);
    const { space, standing, access, scheduler, knowledge, sites } = engine;
    const { clock } = host;
    const members = new Members({ space, standing, clock, publicUrl: () => publicUrl });
    const program = new URL(forecastProgram, import.meta.url);
    const offers = () => sites.offers();
    const parts = { space, scheduler, knowledge, offers, clock, startThread, program };
    const forecaster = new Forecaster(parts);
    const solver = new URL(solverProgram, import.meta.url);
    const planner = new Planner({ clock, log: host.log, startThread, program: solver });
    const server = serverOf(
      host,
      options,
      engine,
      { members, forecaster, planner, trail },
      publicAwsUrl,
    );
    await server.ready();
    const aws = openAwsDoor(host, engine, trail);
    const { rootToken } = access;
    const announcing = startAnnouncing(host, { standing, members, rootToken });
    front.enter({
      request(request, response) {
        if (aws.isHandedOn(request)) aws.request(request, response);
        else server.server.emit("request", request, response);
      },
      upgrade: (...asked) => void server.server.emit("upgrade", ...asked),
    });
    awsFront.enter(aws);
    life = {
      engine,
      members,
      async end() {
        front.leave();
        awsFront.leave();
        aws.close();
        announcing.stop();
        forecaster.stop();
        planner.stop();
        await server.close();
        await engine.stop();
      },
    };
    begun.resolve();
  }

  /** What was is not waited for: its log may hang. */
  async function beginAnew(reason: string): Promise<void> {
    host.log.warn("beginning anew", { reason });
    life?.end().catch((thrown: unknown) => {
      host.log.warn("what was before did not end well", { error: messageOf(thrown) });
    });
    life = undefined;
    for (let isFirst = true; !isStopping; isFirst = false) {
      try {
        return await begin();
      } catch (thrown) {
        if (isFirst) host.log.warn("cannot follow the log yet", { error: messageOf(thrown) });
        await sleep(host.clock, againMs);
      }
    }
  }

  await begin().catch(async (thrown) => {
    await Promise.all([door.close(0), awsDoor.close(0), trail.close()]);
    throw thrown;
  });
  const rootToken = life!.engine.access.rootToken;
  return {
    url,
    awsUrl,
    networkUrl,
    rootToken,
    call: (method, path, body) => callOf(host, { url, rootToken }, method, path, body),
    async stop() {
      isStopping = true;
      if (life) await resign(host, life);
      // A log that is not reached by now keeps nobody: what was not acknowledged may be lost.
      const closed = Promise.all([door.close(graceMs), awsDoor.close(graceMs)]);
      const isShared = "open" in options.log;
      const drainMs = isShared ? graceMs : 0;
      // Objects on their way are not cut off: their bytes are not asked for again by themselves.
      const ended = Promise.all([front.drained(drainMs), awsFront.drained(graceMs)]).then(() =>
        Promise.all([closed, life?.end()]),
      );
      const noted = ended.then(() => trail.close());
      if (isShared) await within(host.clock, stopMsMax, noted);
      else await noted;
    },
  };
}

function openEngine(
  host: Host,
  { dataFolder, log, onBroken, openBig, openSite, placement, masters, addressPool }: CloudOptions,
  url: string,
  onOver: (reason: string) => void,
): Promise<Engine> {
  const { clock, random } = host;
  if (!("open" in log))
    return startEngine(host, {
      dataFolder,
      log,
      onBroken,
      openStore: (asked) =>
        openLocalStore({ ...asked, clock, random, report: host.log, ...(openBig && { openBig }) }),
      openSite,
      network: host.network,
      url,
      placement,
      masters,
      addressPool,
    });
  return startSharedEngine(host, {
    dataFolder,
    log: log.open(),
    url,
    onOver,
    shared: log,
    openSite,
    network: host.network,
    placement,
    masters,
    addressPool,
  });
}

function serverOf(
  host: Host,
  options: CloudOptions,
  engine: Engine,
  thinking: { members: Members; forecaster: Forecaster; planner: Planner; trail: Trail },
  awsUrl: string,
) {
  const { clock, random, log } = host;
  const {
    space,
    access,
    identities,
    scheduler,
    hosting,
    invoker,
    instances,
    spotRequests,
    moves,
    evacuation,
    volumes,
    networks,
    images,
    blobs,
    buckets,
    store,
    holdObjects,
    bucketEvents,
    places,
    webhooks,
    logs,
    sites,
    knowledge,
    standing,
    zones,
    meter,
  } = engine;
  return buildServer({
    space,
    scheduler,
    knowledge,
    standing,
    forward: nodeForward,
    ...thinking,
    jobs: { submitJob, addStep, appendTasks, closeJob, cancelJob, retryJob, eta },
    access,
    identities,
    zones,
    meter,
    hosting,
    invoker,
    instances,
    spotRequests,
    moves,
    evacuation,
    volumes,
    networks,
    images,
    blobs,
    buckets,
    store,
    bucketEvents,
    places,
    webhooks,
    logs,
    sites,
    clock,
    random,
    log,
    version: options.version,
    takeBackup: oneBackupAtATime(async (wish) => ({
      space,
      blobs,
      clock,
      version: options.version,
      holdObjects: wish.objects ? holdObjects : undefined,
      secrets: wish.secrets ? await loadSecrets(options.dataFolder, host.files, random) : undefined,
    })),
    agentFile: (part) => agentFileOf(host, options, part),
    currency: listPrices.currency,
    publicUrl: () => thinking.members.own().url,
    awsUrl: () => awsUrl,
  });
}

async function agentFileOf(
  { files }: Host,
  { agentFiles }: CloudOptions,
  part: "agent" | "node",
): Promise<AgentDownload | undefined> {
  const made = await agentFiles?.();
  if (!made) return undefined;
  const path = part === "agent" ? made.agentPath : made.nodePath;
  const { sizeBytes } = (await files.stat(path))!;
  return { sizeBytes, content: files.stream(path) };
}

/** Nobody is left waiting: another leads before this one is gone, when there is another. */
async function resign({ clock, log }: Host, { engine, members }: Life): Promise<void> {
  const { standing } = engine;
  const wasLeading = standing.isLeading;
  const isAlone = members.urls().length === 1;
  const resigning = engine.resign().catch((thrown: unknown) => {
    log.warn("could not resign", { error: messageOf(thrown) });
  });
  const untilMs = clock.monotonicMs() + limits.leaderSilentMs;
  await within(clock, limits.leaderSilentMs, resigning);
  if (!wasLeading || isAlone) return;
  while (!standing.leader && clock.monotonicMs() < untilMs) {
    await within(clock, untilMs - clock.monotonicMs(), standing.changed());
  }
  await sleep(clock, 2 * limits.followMs); // until the others know it too, and ask that one
}

async function callOf<T>(
  { network }: Host,
  to: { url: string; rootToken: string },
  method: string,
  path: string,
  body: unknown,
): Promise<T> {
  const { status, body: answer } = await network.request({
    method,
    url: `${to.url}${path}`,
    headers: {
      authorization: `Bearer ${to.rootToken}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await textOf(answer);
  if (status < 400) return JSON.parse(text) as T;
  const { code = "internal" } = JSON.parse(text) as Partial<ProblemView>;
  throw new CanopyError(
    code as ErrorCode,
    `Cannot ${method} ${path}: the answer was ${status}: ${text}`,
  );
}

/** How a cloud that listens on `host` is reached from here, and from elsewhere. */
function urlsOf(host: string, port: number, addresses: string[]) {
  const at = (address: string) =>
    `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  if (host === "0.0.0.0" || host === "::") {
    const [address] = addresses;
    return { url: at("127.0.0.1"), networkUrl: address === undefined ? undefined : at(address) };
  }
  return { url: at(host), networkUrl: isLoopback(host) ? undefined : at(host) };
}
