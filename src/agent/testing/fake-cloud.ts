import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { limits } from "#/base/limits.ts";
import type {
  FromAgent,
  FromCloud,
  Hello,
  LogLine,
  StepBrief,
  TaskOffer,
  TaskReport,
} from "#/model/wire.ts";

/** One agent's link, and what it said. */
export interface FakeLink {
  machine: string;
  socket: WebSocket;
  hello: Hello | undefined;
  heard: FromAgent[];
  send(message: FromCloud): void;
}

/**
 * The cloud's side of the link and the few calls that an agent makes, in memory: what the tests of the
 * agent speak to. Says and acknowledges only what a test tells it to, unless `isEager`.
 */
export class FakeCloud {
  readonly token = "good-token";
  readonly blobs = new Map<string, Buffer>();
  readonly links: FakeLink[] = [];
  readonly reports: TaskReport[] = [];
  readonly logs: LogLine[] = [];
  acknowledges = true;
  /** What it answers who would give it a blob; 201 keeps it. */
  blobStatus = 201;
  controlPlanes: string[] = [];
  /** Who says hello is welcomed when this has resolved. */
  welcomes: Promise<void> | undefined;
  refusal: string | undefined;
  /** Called with every message, after it was kept. */
  onMessage: (link: FakeLink, message: FromAgent) => void = () => {};
  #server: Server;
  #sockets: WebSocketServer;
  #joined = 0;
  #fetches = new Map<number, (content: string | undefined) => void>();
  #fetchCount = 0;
  #waiters: (() => void)[] = [];

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#sockets = new WebSocketServer({ noServer: true });
    this.#server.on("upgrade", (request, socket, head) => {
      const machine = machineOf(request);
      if (!machine) return void socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#linked(machine, opened));
    });
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Keeps a blob of any project. */
  blob(content: string): string {
    const key = createHash("sha256").update(content).digest("hex");
    this.blobs.set(key, Buffer.from(content));
    return key;
  }

  /** Resolves when `condition` holds, looked at after each message. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Hands tasks to a machine, whatever it asked for. */
  offer(machine: string, steps: Record<string, StepBrief>, tasks: TaskOffer[]): void {
    this.linkOf(machine).send({ type: "tasks", steps, tasks });
  }

  linkOf(machine: string): FakeLink {
    const link = this.links.findLast((other) => other.machine === machine);
    if (!link) throw new Error(`no link of ${machine}`);
    return link;
  }

  cut(machine: string): void {
    this.linkOf(machine).socket.terminate();
  }

  async close(): Promise<void> {
    for (const { socket } of this.links) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #linked(machine: string, socket: WebSocket): void {
    const link: FakeLink = {
      machine,
      socket,
      hello: undefined,
      heard: [],
      send: (message) => socket.send(JSON.stringify(message)),
    };
    this.links.push(link);
    socket.on("error", () => {});
    socket.on("message", (data) =>
      this.#heard(link, JSON.parse((data as Buffer).toString()) as FromAgent),
    );
  }

  #heard(link: FakeLink, message: FromAgent): void {
    link.heard.push(message);
    if (message.type === "hello") {
      link.hello = message;
      if (this.refusal !== undefined) link.send({ type: "refused", reason: this.refusal });
      else if (this.welcomes) void this.welcomes.then(() => this.#welcome(link));
      else this.#welcome(link);
    } else if (message.type === "finish") {
      this.reports.push(...message.reports);
      if (this.acknowledges) link.send({ type: "finished", number: message.number });
    } else if (message.type === "beat") {
      link.send({ type: "heard" });
    } else if (message.type === "logs") {
      this.logs.push(...message.lines);
    } else if (message.type === "segment") {
      this.#fetches.get(message.request)?.(message.content);
    }
    this.onMessage(link, message);
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #welcome(link: FakeLink): void {
    link.send({
      type: "welcome",
      machine: link.machine,
      leaseMs: limits.leaseMs,
      heartbeatMs: limits.heartbeatMs,
      controlPlanes: this.controlPlanes,
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const { pathname } = new URL(request.url!, "http://cloud");
    const answer = (status: number, content: unknown) =>
      response.writeHead(status).end(content instanceof Buffer ? content : JSON.stringify(content));
    if (pathname === "/v1/machines/join") {
      const { token } = JSON.parse(body.toString()) as { token: string };
      if (token !== this.token) return void answer(401, { detail: "the token is not good" });
      const machine = `m${++this.#joined}`;
      return void answer(201, { machine, key: `key-of-${machine}` });
    }
    if (!machineOf(request)) return void answer(401, { detail: "no key" });
    const [, , noun = "", name = "", ...rest] = pathname.split("/");
    if (noun === "blobs" && request.method === "POST") {
      if (this.blobStatus !== 201) return void answer(this.blobStatus, { detail: "not now" });
      const key = createHash("sha256").update(body).digest("hex");
      const { searchParams } = new URL(request.url!, "http://cloud");
      if ((searchParams.get("key") ?? key) !== key) return void answer(400, { detail: "another" });
      this.blobs.set(key, body);
      return void answer(201, { key, sizeBytes: body.length });
    }
    if (noun === "blobs") {
      const content = this.blobs.get(name);
      return void (content
        ? answer(200, content)
        : answer(404, { detail: `there is no blob ${name}` }));
    }
    if (noun === "machines") {
      const content = await this.#relay(name, rest.slice(1).join("/"));
      return void (content === undefined ? answer(404, { detail: "gone" }) : answer(200, content));
    }
    answer(404, {});
  }

  #relay(machine: string, segment: string): Promise<Buffer | undefined> {
    const request = ++this.#fetchCount;
    this.linkOf(machine).send({ type: "fetch", request, segment });
    return new Promise((resolve) => {
      this.#fetches.set(request, (content) =>
        resolve(content === undefined ? undefined : Buffer.from(content, "base64")),
      );
    });
  }
}

function machineOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer key-of-(m\d+)$/.exec(headers.authorization ?? "")?.[1];
}
