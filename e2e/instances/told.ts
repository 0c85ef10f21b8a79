import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestCloud } from "../cloud.ts";

interface Event {
  detail: { "instance-id": string; state?: string };
}

/** Somebody outside who is told of what happens to instances. */
export class Told {
  /** It takes what it is told, and does not say so. */
  isMute = true;
  /** By the message's id, in the order in which they came first. */
  readonly heard = new Map<string, Event>();
  readonly acknowledged = new Set<string>();
  #server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    request.on("end", () => {
      const id = String(request.headers["webhook-id"]);
      if (!this.heard.has(id)) this.heard.set(id, JSON.parse(text) as Event);
      if (this.isMute) return;
      this.acknowledged.add(id);
      response.writeHead(204).end();
    });
  });

  /** The project's instances are told of from now on. */
  async subscribe(cloud: TestCloud): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
    await cloud.call("POST", "/v1/webhooks", { name: "told", url });
    await cloud.call("POST", "/v1/event-subscriptions", { webhook: "told" });
  }

  statesOf(instance: string): string[] {
    return [...this.heard.values()]
      .filter(({ detail }) => detail["instance-id"] === instance)
      .map(({ detail }) => String(detail.state));
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
