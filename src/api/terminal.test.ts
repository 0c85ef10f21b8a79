import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { nodeNetwork } from "#/base/node/network.ts";
import type { InstanceView } from "#/model/instance-views.ts";
import type { Page } from "#/model/views.ts";
import { openTerminal, type OpenedTerminal } from "#/sdk/terminal.ts";
import { putImage, startHost, type TestHost } from "./testing/host.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
let host: TestHost;
let url: string;
let id: string;
before(async () => {
  world = await startWorld();
  url = await world.listen();
  host = await startHost(world, url);
  const image = await putImage(world);
  const launched = await world.call("POST", "/v1/instances", { body: { image, type: "c.nano" } });
  [{ id }] = launched.json<Page<InstanceView>>().items as [InstanceView];
});
after(async () => {
  host.close();
  await world.stop();
});

async function open(query = "", key = world.root, instance = id): Promise<OpenedTerminal> {
  const address = `${url.replace("http", "ws")}/v1/instances/${instance}/terminal${query}`;
  return openTerminal(await nodeNetwork.dial(address, { authorization: `Bearer ${key}` }));
}

const keyOf = async (role: string) =>
  (await world.call("POST", "/v1/keys", { body: { title: role, role } })).json<{ key: string }>()
    .key;

/** All that is printed until it has printed that. */
async function read({ output }: OpenedTerminal, until: string): Promise<string> {
  let text = "";
  for await (const piece of output) {
    text += Buffer.from(piece).toString();
    if (text.includes(until)) break;
  }
  return text;
}

test("somebody types at the console of an instance and sees what it prints, until they leave", async () => {
  const console = await open();
  assert.equal(console.canType, true);
  void console.type(Buffer.from("root\n"));
  assert.equal(await read(console, "root"), "login: root\n");
  console.close();
  while (host.left.length === 0) await new Promise(setImmediate);
});

test("whoever may only read sees the console and cannot type; nor may they run a command", async () => {
  const viewer = await keyOf("viewer");
  const console = await open("", viewer);
  assert.equal(console.canType, false);
  void console.type(Buffer.from("root\n"));
  const typist = await open("", await keyOf("submitter"));
  void typist.type(Buffer.from("bob\n"));
  assert.equal(await read(typist, "bob"), "login: bob\n");
  console.close();
  assert.equal(await read(console, "root"), "login: ");
  await assert.rejects(open("?command=ls", viewer), { code: "forbidden" });
  typist.close();
});

test("a command runs with its words and ends with its exit code, also after much was typed", async () => {
  const terminal = await open("?command=tar&command=x%20y");
  const much = Buffer.alloc(2 ** 20, "m");
  const typed = terminal.type(much).then(() => terminal.end());
  let length = 0;
  for await (const piece of terminal.output) length += piece.length;
  await typed;
  assert.equal(length, "tar x y".length + much.length);
  assert.equal(await terminal.ended, 3);
});

test("what is not there, does not run or is not one's own is refused with the reason", async () => {
  await assert.rejects(open("", world.root, "i-0123456789abcdef0"), { code: "not-found" });
  await assert.rejects(open("", "canopy_nobody"), { code: "unauthenticated" });
  await assert.rejects(open("?command=ls&columns=0&rows=1"), { code: "unavailable" });
  const console = await open();
  host.close();
  await assert.rejects(async () => {
    await read(console, "never");
    await console.ended;
  }, /not connected any more/);
});
