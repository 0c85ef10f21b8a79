import { isDeepStrictEqual } from "node:util";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Link } from "#/base/network.ts";
import type { FunctionSession } from "#/functions/session.ts";
import type { HostAbilities } from "#/model/hosting.ts";
import { ratesOf, type MachineRecord, type MachineStatus } from "#/model/machine.ts";
import { jobOf } from "#/model/task.ts";
import type { FromAgent, FromCloud, LogLine, TaskReport } from "#/model/wire.ts";
import type { HostSession } from "#/instances/hosting.ts";
import type { Session } from "#/scheduler/session.ts";
import type { DoorParts } from "../parts.ts";
import { sure } from "../standing.ts";
import { parseMessage } from "./messages.ts";
import type { OpenLink } from "./relay.ts";

/** Messages that may come between an agent's hello and its welcome. */
const earlyMax = 1000;

/**
 * One agent's link, from its hello to its end. Nothing is acknowledged before it is durable; while
 * the disk is full a finish waits in its session, and the agent hears nothing, so that it keeps what
 * it has finished. What cannot be understood ends the link with the reason.
 */
export function serveLink(parts: DoorParts, machine: string, link: Link): void {
  const { space, scheduler, access, relay, clock, log } = parts;
  let session: Session | undefined;
  let hosting: HostSession | undefined;
  let functions: FunctionSession | undefined;
  let isOpen = true;
  let isGreeting = false;
  let stopTelling: (() => void) | undefined;
  const early: FromAgent[] = [];

  const send = (message: FromCloud) => {
    if (isOpen) link.send(JSON.stringify(message));
  };

  const open: OpenLink = { send, cut: (reason) => end(reason) };

  function end(reason: string): void {
    if (!isOpen) return;
    isOpen = false;
    stopTelling?.();
    session?.close();
    hosting?.close();
    functions?.close();
    relay.remove(machine, open);
    link.close(reason);
    log.info(`machine ${machine} is no longer connected`, { reason });
  }

  function refuse(reason: string): void {
    send({ type: "refused", reason });
    end(reason);
  }

  async function greet(
    said: MachineStatus,
    holds: Extract<FromAgent, { type: "hello" }>["holds"],
  ): Promise<void> {
    const committed = space.commit((tx) => {
      const record = tx.get("machine", machine);
      if (!record)
        throw new CanopyError(
          "unauthenticated",
          `Cannot serve the machine '${machine}' as it was removed`,
        );
      const status = { ...said, rates: ratesOf(record.spec, said.rates) };
      if (isDeepStrictEqual(record.status, status)) return;
      tx.put<"machine">(withoutTasks({ ...record, status }));
    });
    await committed.durable;
    await sure(parts);
    if (!isOpen) return;
    relay.add(machine, open);
    // Welcome first: connecting may offer at once.
    send({
      type: "welcome",
      machine,
      leaseMs: limits.leaseMs,
      heartbeatMs: limits.heartbeatMs,
      controlPlanes: parts.members.urls(),
    });
    // At once: this one may die before the next beat.
    stopTelling = parts.members.onJoined(() =>
      send({ type: "planes", controlPlanes: parts.members.urls() }),
    );
    session = scheduler.connect(
      machine,
      holds,
      {
        offer: (steps, tasks) => send({ type: "tasks", steps, tasks }),
        cancel: (tasks) => send({ type: "cancel", tasks }),
        forget: (jobs) => send({ type: "forget", jobs }),
        fault: (fault) => send({ type: "fault", fault }),
      },
      (job) => access.jobKey(job),
    );
    if (said.hosting) host();
    if (said.functions)
      functions = parts.invoker.connect(machine, said.functions, {
        order: (order) => send({ type: "function", order }),
      });
    for (const message of early.splice(0)) handle(message);
    log.info(`machine ${machine} is connected`, {
      cpus: said.capacity.milliCpus / 1000,
      holds: holds.length,
    });
  }

  /** It can host instances: it is told which, from now on. */
  function host(): void {
    hosting?.close();
    hosting = parts.hosting.connect(machine, {
      orders: (orders) => send({ type: "host", orders }),
      question: (request, question) => send({ type: "question", request, question }),
      terminal: (terminal, request) => send({ type: "terminal", terminal, request }),
    });
  }

  async function canHost(abilities: HostAbilities): Promise<void> {
    const committed = space.commit((tx) => {
      const record = tx.get("machine", machine);
      if (record)
        tx.put<"machine">({ ...record, status: { ...record.status, hosting: abilities } });
    });
    await committed.durable;
    if (isOpen) host();
  }

  async function willEnd(endsAt: number): Promise<void> {
    const committed = space.commit((tx) => {
      const record = tx.get("machine", machine);
      if (record)
        tx.put<"machine">(withoutTasks({ ...record, status: { ...record.status, endsAt } }));
    });
    await committed.durable;
  }

  function finish(number: number, reports: TaskReport[]): void {
    if (!isOpen || !session) return;
    session.finish(reports).then(() => send({ type: "finished", number }), failed);
  }

  function failed(thrown: unknown): void {
    log.warn(`the link of machine ${machine} failed`, { error: messageOf(thrown) });
    if (thrown instanceof CanopyError && thrown.code === "unauthenticated")
      return refuse(thrown.message);
    end(messageOf(thrown));
  }

  function handle(message: FromAgent): void {
    if (message.type === "hello") {
      if (isGreeting) throw new CanopyError("invalid", "Cannot greet twice on one link");
      isGreeting = true;
      greet(message.status, message.holds).catch(failed);
      return;
    }
    if (!session) {
      if (isGreeting && early.length < earlyMax) return void early.push(message);
      throw new CanopyError(
        "invalid",
        `Cannot take '${message.type}' before the agent was welcomed`,
      );
    }
    switch (message.type) {
      case "pull":
        return session.pull(Math.min(message.max, limits.pullTasksMax));
      case "finish":
        return finish(message.number, message.reports);
      case "beat":
        send({ type: "heard", ...(!parts.standing.isSure && { isSure: false }) });
        return session.beat(message);
      case "logs":
        return keepLogs(parts, message.lines);
      case "release":
        return session.release(message.tasks);
      case "ending":
        return void willEnd(message.at).catch(failed);
      case "struck":
        return session.struck(message.hit, message.wasThere);
      case "segment":
        return relay.answered(machine, message.request, message.content);
      case "hosting":
        return void canHost(message.abilities).catch(failed);
      case "host":
        return hosting?.reported(message.reports);
      case "function":
        return functions?.reported(message.report);
      case "answer":
        return hosting?.answered(message.request, message.answer);
      case "terminal":
        return hosting?.terminalSaid(message.terminal, message.reply);
    }
  }

  let heardMs = clock.monotonicMs();
  /** An agent beats far more often; one that is silent for a whole lease is gone, whatever its socket says. */
  function watch(wasSilent: boolean): void {
    if (!isOpen) return;
    const isSilent = clock.monotonicMs() - heardMs >= limits.leaseMs;
    // Looked at twice: after a long turn of our own, what it said may still stand in the socket.
    if (isSilent && wasSilent) return end(`nothing was heard for ${limits.leaseMs} ms`);
    clock.after(isSilent ? limits.heartbeatMs : limits.leaseMs, () => watch(isSilent), true);
  }
  watch(false);

  link.onClose = (reason) => end(reason);
  link.onMessage = (text) => {
    if (!isOpen) return;
    heardMs = clock.monotonicMs();
    try {
      handle(parseMessage(text));
    } catch (thrown) {
      failed(thrown);
    }
  };
}

/** Lines go to the jobs that there are; one message may carry lines of several. */
function keepLogs({ logs, space }: DoorParts, lines: readonly LogLine[]): void {
  const byJob = new Map<string, LogLine[]>();
  for (const line of lines) {
    const job = jobOf(line.task);
    const list = byJob.get(job);
    if (list) list.push(line);
    else byJob.set(job, [line]);
  }
  for (const [job, list] of byJob) if (space.get("job", job)) logs.append(job, list);
}

/** One that its provider takes away gets no more tasks: what runs may still end. */
function withoutTasks(record: MachineRecord): MachineRecord {
  if (record.status.endsAt === undefined) return record;
  return { ...record, spec: { ...record.spec, cordoned: true } };
}
