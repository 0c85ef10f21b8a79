import assert from "node:assert/strict";
import { once } from "node:events";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Network, networkMissing } from "./network.ts";

const missing = networkMissing() ?? false;

/** Sends a datagram for each line "address text", and prints those that it gets. */
const speaker = `
const socket = require("node:dgram").createSocket("udp4");
socket.on("message", (text) => console.log(String(text)));
socket.bind(8420, "0.0.0.0", () => console.log("ready"));
require("node:readline").createInterface(process.stdin).on("line", (line) => {
  const [address, text] = line.split(" ");
  socket.send(text, 8420, address);
});
`;

class Speaker {
  readonly #address: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #heard = new Set<string>();
  #count = 0;

  constructor(name: string) {
    const { address, wrap } = network.places.get(name)!;
    const [program = "", ...args] = wrap([process.execPath, "-e", speaker]);
    this.#address = address;
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    createInterface(this.#child.stdout).on("line", (line) => this.#heard.add(line));
  }

  async hears(text: string, forMs: number): Promise<boolean> {
    for (const untilMs = performance.now() + forMs; !this.#heard.has(text); await sleep(5))
      if (performance.now() > untilMs) return false;
    return true;
  }

  /** Waits long only for what ought to come. */
  reaches(other: Speaker, isExpected: boolean): Promise<boolean> {
    const text = `${this.#address}-${(this.#count += 1)}`;
    this.#child.stdin.write(`${other.#address} ${text}\n`);
    return other.hears(text, isExpected ? 10_000 : 200);
  }

  /** Resolves when its process has ended. */
  ended(): Promise<unknown> {
    return once(this.#child, "exit");
  }
}

let network: Network;
let speakers: Speaker[] = [];
before(async () => {
  if (missing !== false) return;
  network = Network.make(["a", "b", "c"]);
  speakers = ["a", "b", "c"].map((name) => new Speaker(name));
  for (const speaker of speakers) assert.ok(await speaker.hears("ready", 20_000));
});
after(() => network?.remove());

test(
  "Network cuts one place off from another, one way or both, and heals",
  { skip: missing },
  async () => {
    const [a, b, c] = speakers as [Speaker, Speaker, Speaker];
    const expect = async (from: Speaker, to: Speaker, expected: boolean) =>
      assert.equal(await from.reaches(to, expected), expected);
    await expect(a, b, true);
    await expect(b, a, true);
    network.cut("a", "b");
    await expect(a, b, false);
    await expect(b, a, true);
    await expect(a, c, true);
    network.cut("b", "a");
    await expect(b, a, false);
    network.heal("a", "b");
    await expect(a, b, true);
    await expect(b, a, false);
    network.cut("c", "a");
    network.cut("c", "a");
    network.heal("c", "a");
    await expect(c, a, false);
    network.cut("c", "a");
    network.healAll();
    await expect(b, a, true);
    await expect(c, a, true);
  },
);

test("remove() leaves no process in a place", { skip: missing }, async () => {
  const ended = speakers.map((speaker) => speaker.ended());
  network.remove();
  await Promise.all(ended);
});
