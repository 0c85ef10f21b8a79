import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { TestContext } from "node:test";

interface Answered {
  status: number;
  body?: unknown;
  /** In place of a body of JSON. */
  text?: string;
  headers?: Record<string, string>;
}

/** A cloud made up of one function: what it answers to "METHOD path" with a body, if any. Goes on until the test ends. */
export async function serve(
  t: TestContext,
  answer: (call: string, body: unknown, headers: Record<string, unknown>) => Answered,
): Promise<{ url: string; stop(): void }> {
  const server = createServer((request, response) => {
    void (async () => {
      const hasBody = request.headers["content-type"] === "application/json";
      const call = `${request.method} ${request.url}`;
      const answered = answer(call, hasBody ? await json(request) : undefined, request.headers);
      const { status, body, text = JSON.stringify(body ?? {}), headers } = answered;
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
    })();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  t.after(stop);
  return { url: `http://127.0.0.1:${port}`, stop };
}
