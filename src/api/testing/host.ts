import type {
  HostAbilities,
  HostAnswer,
  HostOrders,
  HostQuestion,
  HostReports,
} from "#/model/hosting.ts";
import type { TerminalReply } from "#/model/terminal.ts";
import { dial, hello, joinMachine, type TestAgent } from "./agent.ts";
import type { World } from "./world.ts";

/** A machine that says at once that it has what it was told to have. */
export interface TestHost extends TestAgent {
  /** What it does when it is asked. */
  answer: (question: HostQuestion) => HostAnswer;
  /** Terminals that were left, by number. */
  left: number[];
  /** What it was told last. */
  orders: HostOrders;
}

export interface TestHostOptions {
  cpus?: number;
  hosting?: Partial<HostAbilities>;
  /** It says nothing of its instances. */
  isMute?: boolean;
}

export async function startHost(
  world: World,
  url: string,
  { cpus = 4, hosting = {}, isMute = false }: TestHostOptions = {},
): Promise<TestHost> {
  const { machine, key } = await joinMachine(world);
  const agent = await dial(url, machine, key);
  const greeting = hello(cpus);
  if (greeting.type !== "hello") throw new Error("hello() greets");
  const abilities: HostAbilities = {
    kinds: ["container", "microvm", "vm"],
    hasKvm: false,
    networks: "user",
    storages: [],
    missing: [],
    ...hosting,
  };
  agent.send({ ...greeting, status: { ...greeting.status, hosting: abilities } });
  await agent.next("welcome");
  const host: TestHost = {
    ...agent,
    answer: () => ({ error: "there is none" }),
    left: [],
    orders: { isAll: true, instances: [], volumes: [], snapshots: [], vpcs: [], gone: [] },
  };
  const follow = async () => {
    for (;;) {
      const { orders } = await agent.next("host");
      host.orders = orders;
      const reports: HostReports = {
        instances: orders.instances.map(({ instance, fence, reboots, wanted, disks }) => ({
          instance,
          fence,
          reboots,
          state: wanted,
          attached: disks.map(({ volume }) => volume),
          ...(wanted === "running" && { startedAt: 1_900_000_000_000, publicIp: "192.0.2.7" }),
        })),
        volumes: orders.volumes.map(({ volume, sizeBytes }) => ({
          volume,
          sizeBytes,
          state: "here",
        })),
        snapshots: orders.snapshots.map(({ snapshot }) => ({
          snapshot,
          state: "done",
          progress: 100,
          manifest: "f".repeat(64),
          newBytes: 4096,
        })),
        gone: [...orders.gone],
      };
      agent.send({ type: "host", reports });
    }
  };
  const asked = async () => {
    for (;;) {
      const { request, question } = await agent.next("question");
      agent.send({ type: "answer", request, answer: host.answer(question) });
    }
  };
  /** Terminals print what is typed, and end with 3 when nothing more is. */
  const typed = async () => {
    for (;;) {
      const { terminal, request } = await agent.next("terminal");
      const say = (reply: TerminalReply) => agent.send({ type: "terminal", terminal, reply });
      const print = (output: string) => say({ output: Buffer.from(output).toString("base64") });
      if ("open" in request) {
        say({ opened: true });
        print(request.open.command?.join(" ") ?? "login: ");
      } else if ("input" in request) {
        const input = Buffer.from(request.input, "base64");
        say({ read: input.length });
        print(input.toString());
      } else if ("hasTyped" in request) say({ ended: { exitCode: 3 } });
      else if ("close" in request) host.left.push(terminal);
    }
  };
  void typed();
  if (!isMute) void follow();
  void asked();
  return host;
}

/** An image that containers and microVMs are made of, of files that nobody fetches. */
export async function putImage(
  world: World,
  title = "small",
  project = "default",
): Promise<string> {
  const name = `ami-${Buffer.from(title).toString("hex").padEnd(17, "0").slice(0, 17)}`;
  await world.space.commit((tx) =>
    tx.put<"image">({
      kind: "image",
      project,
      name,
      spec: {
        title,
        description: "",
        createdAt: 0,
        architecture: "x86_64",
        kinds: ["container", "microvm"],
        source: {
          type: "files",
          layers: [],
          run: {
            entrypoint: [],
            command: ["true"],
            env: [],
            folder: "/",
            user: "",
            ports: [],
            stopSignal: "SIGTERM",
          },
        },
        isPublic: false,
        sharedWith: [],
        tags: {},
      },
      status: { state: "available" },
    }),
  ).durable;
  return name;
}
