import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { silent } from "#/base/log.ts";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeHost } from "#/base/node/host.ts";
import { watchForSpotNotice } from "./spot-notice.ts";

/** What is answered to who shows a token; a status alone is an answer without words. */
let answer: string | number = 404;
let asked = 0;
const service = createServer((request, response) => {
  const isToken = request.method === "PUT" && request.url === "/latest/api/token";
  if (isToken) return void response.end("t0ken");
  asked++;
  if (request.headers["x-aws-ec2-metadata-token"] !== "t0ken") response.writeHead(401).end();
  else if (request.url !== "/latest/meta-data/spot/instance-action") response.writeHead(400).end();
  else if (typeof answer === "number") response.writeHead(answer).end();
  else response.end(answer);
});
await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
const { port } = service.address() as { port: number };
after(() => service.close());

test("watchForSpotNotice() tells when its instance is taken away, once, whatever the service said before", async () => {
  const clock = new ManualClock();
  const { network } = nodeHost(silent);
  const told = Promise.withResolvers<number>();
  const times: number[] = [];
  const parts = { clock, network, log: silent };
  const heard = (at: number) => (times.push(at), told.resolve(at));
  const loop = watchForSpotNotice(parts, heard, `http://127.0.0.1:${port}/latest`);
  const look = async () => {
    const before = asked;
    await clock.advance(limits.spotNoticeLookMs);
    while (asked === before) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const wrong = [404, 500, "no JSON", "null", '{"action":"terminate","time":"soon"}'];
  for (answer of wrong) await look();
  answer = '{"action":"terminate","time":"2026-09-18T08:22:00Z"}';
  // A turn may still be at its end when time has passed.
  while (times.length === 0) await Promise.race([look(), told.promise]);
  assert.equal(await told.promise, Date.UTC(2026, 8, 18, 8, 22));
  await clock.advance(10 * limits.spotNoticeLookMs);
  assert.equal(times.length, 1);
  loop.stop();
});
