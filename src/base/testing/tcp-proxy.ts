import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/**
 * How the connection is cut that sends next: before anything of it has gone on, in its middle, once the
 * answer comes (which is kept back), or at once, while what was sent goes on only when `release` is called.
 */
export type Cut = "unsent" | "halved" | "unanswered" | "late";

interface Pair {
  client: Socket;
  server: Socket;
}

/** Stands between a client and a server on 127.0.0.1, and cuts connections where it hurts most. */
export class TcpProxy {
  readonly port: number;
  /** What a client is given of an answer. */
  onAnswer: (answer: Buffer) => Buffer = (answer) => answer;
  #server: Server;
  #pairs = new Set<Pair>();
  #cut: Cut | undefined;
  #cutWhere = "";
  #hasCut: () => void = () => undefined;
  /** Ends new connections at once while true. */
  refuses = false;
  /** Awaited before anything that a client sends goes on. */
  onSend: ((sent: Buffer) => Promise<void>) | undefined;
  #held: (() => void)[] = [];

  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    return new TcpProxy(server, targetPort);
  }

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => this.#join(client, connect(targetPort, "127.0.0.1")));
  }

  /** Cuts the connection that next sends something with this text in it; resolves when that is done. */
  cutNext(cut: Cut, where: string): Promise<void> {
    this.#cut = cut;
    this.#cutWhere = where;
    return new Promise((resolve) => (this.#hasCut = resolve));
  }

  /** Cuts all connections at this moment. */
  cutAll(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  /** Sends on what was kept back of connections cut "late". */
  release(): void {
    for (const send of this.#held.splice(0)) send();
  }

  close(): void {
    this.cutAll();
    this.#server.close();
  }

  #join(client: Socket, server: Socket): void {
    const pair = { client, server };
    let isMute = false;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => isMute || this.#end(pair));
    }
    if (this.refuses) return this.#end(pair);
    this.#pairs.add(pair);
    client.on("data", (sent: Buffer) => {
      const cut = sent.includes(this.#cutWhere) ? this.#cut : undefined;
      if (cut !== undefined) this.#cut = undefined;
      if (cut === "unsent") return this.#end(pair);
      if (cut === "late") {
        isMute = true;
        client.destroy();
        this.#hasCut();
        this.#held.push(() => void server.write(sent));
        return;
      }
      if (cut === undefined) return this.#pass(pair, sent);
      isMute = true;
      server.write(cut === "halved" ? sent.subarray(0, sent.length / 2) : sent, () => {
        if (cut === "halved") this.#end(pair);
      });
    });
    server.on("data", (answer: Buffer) =>
      isMute ? this.#end(pair) : void client.write(this.onAnswer(answer)),
    );
  }

  #pass({ client, server }: Pair, sent: Buffer): void {
    if (!this.onSend) return void server.write(sent);
    client.pause();
    void this.onSend(sent).then(() => {
      server.write(sent);
      client.resume();
    });
  }

  #end(pair: Pair): void {
    if (pair.client.destroyed && pair.server.destroyed) return;
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
    this.#hasCut();
  }
}
