import { once } from "node:events";
import { WebSocket } from "ws";
import type { FromAgent, FromCloud, TaskClaim, TaskOffer, TaskReport } from "#/model/wire.ts";
import type { World } from "./world.ts";

/** A machine that says over a real link what a test tells it to. */
export interface TestAgent {
  machine: string;
  key: string;
  received: FromCloud[];
  send(message: FromAgent): void;
  /** The next message of that type that has not been taken yet. */
  next<T extends FromCloud["type"]>(type: T): Promise<Extract<FromCloud, { type: T }>>;
  /** Pulls and finishes until told to stop; `work` gives what one task came to. */
  work(work: (task: TaskOffer) => Partial<TaskReport>, perPull?: number): { stop(): void };
  closed: Promise<{ code: number; reason: string }>;
  close(): void;
}

export const idleUsage = {
  startedAt: 1_900_000_000_000,
  wallMs: 1,
  cpuMs: 1,
  memoryBytes: 1000,
  readBytes: 0,
  writtenBytes: 0,
};

export async function joinMachine(
  world: World,
  hostname = "test-host",
): Promise<{ machine: string; key: string }> {
  const { token } = (await world.call("POST", "/v1/join-tokens")).json<{ token: string }>();
  const answer = await world.call("POST", "/v1/machines/join", {
    key: "",
    body: { token, hostname, labels: {} },
  });
  return answer.json();
}

export const hello = (cpus = 4, holds: TaskClaim[] = []): FromAgent => ({
  type: "hello",
  holds,
  status: {
    hostname: "test-host",
    os: "linux",
    arch: "x64",
    version: "0.0.0",
    capacity: { milliCpus: cpus * 1000, memoryBytes: 8e9 },
    drivers: ["process", "runner"],
    rates: { microsPerHour: 100_000, idleWatts: 5, peakWatts: 20, pue: 1 },
  },
});

/** A machine that has joined, dialled, said hello and been welcomed. */
export async function startAgent(
  world: World,
  url: string,
  options: { cpus?: number; known?: { machine: string; key: string } } = {},
): Promise<TestAgent> {
  const { machine, key } = options.known ?? (await joinMachine(world));
  const agent = await dial(url, machine, key);
  agent.send(hello(options.cpus));
  await agent.next("welcome");
  return agent;
}

export async function dial(url: string, machine: string, key: string): Promise<TestAgent> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/link`, {
    headers: { authorization: `Bearer ${key}` },
    perMessageDeflate: false,
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  const received: FromCloud[] = [];
  const taken = new Set<FromCloud>();
  const wakers = new Set<() => void>();
  let onMessage: ((message: FromCloud) => boolean) | undefined;
  socket.on("message", (data) => {
    const message = JSON.parse(String(data)) as FromCloud;
    if (onMessage?.(message)) return;
    received.push(message);
    for (const wake of wakers) wake();
  });
  const send = (message: FromAgent) => socket.send(JSON.stringify(message));
  await once(socket, "open");
  return {
    machine,
    key,
    received,
    send,
    closed,
    close: () => socket.close(),
    async next(type) {
      for (;;) {
        const found = received.find((message) => message.type === type && !taken.has(message));
        if (found) {
          taken.add(found);
          return found as never;
        }
        await new Promise<void>((resolve) => {
          const wake = () => (wakers.delete(wake), resolve());
          wakers.add(wake);
        });
      }
    },
    work(work, perPull = 1024) {
      let number = 0;
      onMessage = (message) => {
        if (message.type !== "tasks") return message.type === "finished";
        const reports = message.tasks.map((task) => ({
          task: task.task,
          fence: task.fence,
          usage: idleUsage,
          result: task.input,
          ...work(task),
        }));
        send({ type: "finish", number: ++number, reports });
        send({ type: "pull", max: perPull });
        return true;
      };
      send({ type: "pull", max: perPull });
      return { stop: () => (onMessage = undefined) };
    },
  };
}
