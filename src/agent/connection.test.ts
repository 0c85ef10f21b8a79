import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import type { Link, Network } from "#/base/network.ts";
import type { FromCloud } from "#/model/wire.ts";
import { Connection } from "./connection.ts";
import { ControlPlanes } from "./control-planes.ts";

const [one, two, three] = ["http://one:1", "http://two:1", "http://three:1"] as const;

/** How a control plane meets a dial. */
type Manner = "welcomes" | "opens" | "is down" | "is silent" | "refuses";

class Planes {
  readonly clock = new ManualClock();
  readonly manners = new Map<string, Manner>();
  readonly dialled: string[] = [];
  readonly links: { url: string; link: Link; isClosed: boolean }[] = [];
  readonly refusals: string[] = [];
  readonly planes: ControlPlanes;
  readonly connection: Connection;

  constructor(urls: string[]) {
    this.planes = new ControlPlanes(urls, []);
    const network: Pick<Network, "dial"> = { dial: (url) => this.#dial(url) };
    this.connection = new Connection(
      {
        clock: this.clock,
        random: { bytes: (count) => new Uint8Array(count), fraction: () => 1 },
        network: network as Network,
        log: silent,
      },
      { planes: this.planes, key: "key" },
      {
        hello: () => ({ type: "hello", status: {} as never, holds: [] }),
        welcomed: () => {},
        heard: () => {},
        lost: () => {},
        refused: (reason) => void this.refusals.push(reason),
      },
    );
  }

  all(manner: Manner): void {
    for (const url of [one, two, three]) this.manners.set(url, manner);
  }

  say(message: FromCloud): void {
    this.links.at(-1)!.link.onMessage(JSON.stringify(message));
  }

  #dial(linkUrl: string): Promise<Link> {
    const { host } = new URL(linkUrl);
    const url = `http://${host}`;
    this.dialled.push(url);
    const manner = this.manners.get(url)!;
    if (manner === "is silent") return new Promise(() => {});
    if (manner === "is down")
      return Promise.reject(new CanopyError("unavailable", `${url} is down`));
    if (manner === "refuses") return Promise.reject(new CanopyError("unauthenticated", "no"));
    const entry = { url, isClosed: false, link: undefined as unknown as Link };
    entry.link = {
      send: (text) => {
        if (manner === "welcomes" && text.includes('"hello"'))
          this.clock.soon(() => entry.link.onMessage(JSON.stringify(welcome)));
      },
      bufferedBytes: () => 0,
      close: () => void (entry.isClosed = true), // a dead peer never answers the close
      onMessage: () => {},
      onClose: () => {},
    };
    this.links.push(entry);
    return Promise.resolve(entry.link);
  }
}

const welcome: FromCloud = {
  type: "welcome",
  machine: "m1",
  leaseMs: limits.leaseMs,
  heartbeatMs: limits.heartbeatMs,
  controlPlanes: [],
};

describe("Connection", () => {
  it("dials the next control plane at once when one is down, and beside one that is silent", async () => {
    const world = new Planes([one, two, three]);
    world.all("is silent");
    world.manners.set(one, "is down");
    world.manners.set(three, "welcomes");
    world.connection.open();
    await world.clock.advance(limits.dialAheadMs - 1);
    assert.deepEqual(world.dialled, [one, two]);
    await world.clock.advance(1);
    assert.equal(world.planes.linked?.url, three);
  });

  it("is back within a second of a new leader, after any time up to limits.reconnectEagerMs", async () => {
    for (const awayMs of [50, 1000, 3000, 10_000, limits.reconnectEagerMs - 1000]) {
      const world = new Planes([one, two, three]);
      world.all("welcomes");
      world.connection.open();
      await world.clock.advance(10);
      world.all("is down");
      world.links.at(-1)!.link.onClose("killed");
      await world.clock.advance(awayMs);
      world.all("welcomes");
      await world.clock.advance(1000);
      assert.ok(world.connection.isWelcomed, `after ${awayMs} ms`);
    }
  });

  it("is back in the grace of a cloud that was away for an hour, whatever of it stays silent", async () => {
    const world = new Planes([one, two, three]);
    world.all("welcomes");
    world.connection.open();
    await world.clock.advance(10);
    world.all("is silent");
    world.links.at(-1)!.link.onClose("cut");
    await world.clock.advance(60 * 60_000);
    world.manners.set(two, "welcomes");
    await world.clock.advance(limits.leaseMs);
    assert.equal(world.planes.linked?.url, two);
  });

  it("takes a link for dead on which nothing is heard, and goes elsewhere well within its lease", async () => {
    const world = new Planes([one, two]);
    world.all("welcomes");
    world.connection.open();
    await world.clock.advance(limits.linkSilentMs - 1);
    world.say({ type: "heard" });
    await world.clock.advance(limits.linkSilentMs);
    assert.equal(world.planes.linked?.url, one);
    await world.clock.advance(limits.leaseMs - limits.linkSilentMs - limits.heartbeatMs);
    assert.equal(world.planes.linked?.url, two);
    assert.ok(world.links[0]!.isClosed);
  });

  it("leaves a control plane that lets it in and never welcomes it", async () => {
    const world = new Planes([one, two]);
    world.manners.set(one, "opens");
    world.manners.set(two, "welcomes");
    world.connection.open();
    await world.clock.advance(limits.leaseMs);
    assert.equal(world.planes.linked?.url, two);
  });

  it("ends only when every control plane refuses its key", async () => {
    const world = new Planes([one, two]);
    world.manners.set(one, "refuses");
    world.manners.set(two, "is down");
    world.connection.open();
    await world.clock.advance(1000);
    assert.deepEqual(world.refusals, []);
    world.manners.set(two, "refuses");
    await world.clock.advance(limits.reconnectMsMax);
    assert.deepEqual(world.refusals, ["no"]);
  });

  it("closes a link that opens too late", async () => {
    const world = new Planes([one]);
    world.manners.set(one, "welcomes");
    const { promise, resolve } = Promise.withResolvers<Link>();
    let isClosed = false;
    const late = { close: () => void (isClosed = true) } as Link;
    const dial = () => promise;
    const connection = new Connection(
      {
        clock: world.clock,
        random: { bytes: (count) => new Uint8Array(count), fraction: () => 0 },
        network: { dial } as unknown as Network,
        log: silent,
      },
      { planes: world.planes, key: "key" },
      {
        hello: () => assert.fail("it was greeted"),
        welcomed: () => {},
        heard: () => {},
        lost: () => {},
        refused: () => {},
      },
    );
    connection.open();
    await world.clock.advance(limits.dialMs);
    resolve(late);
    await world.clock.advance(0);
    assert.ok(isClosed);
  });
});

describe("ControlPlanes", () => {
  it("goes on to the next in turn, and keeps what it was told at its start", () => {
    const planes = new ControlPlanes([one], [two]);
    assert.deepEqual(planes.urls, [one, two]);
    planes.arrived(one);
    planes.learn([three]);
    assert.deepEqual(planes.urls, [one, two, three]);
    planes.left(one, "gone");
    assert.deepEqual(planes.urls, [two, three, one]);
    planes.learn([three]);
    assert.deepEqual(planes.urls, [two, three, one]);
    assert.deepEqual(planes.learned, [three, two]);
    planes.arrived(three);
    assert.equal(planes.address, `${three},${two},${one}`);
  });

  it("remembers those it was told last, as a new leader may not have heard of all", () => {
    const planes = new ControlPlanes([one], []);
    const told = Array.from({ length: 20 }, (_, at) => `http://plane-${at}:1`);
    for (const url of told) planes.learn([one, url]);
    assert.deepEqual(planes.learned.toSorted(), told.slice(-limits.controlPlanesKeptMax).sort());
    assert.ok(planes.urls.includes(one));
  });

  it("does not take another computer's word for what is on this one", () => {
    const local = "http://127.0.0.1:7411";
    assert.deepEqual(new ControlPlanes([one], [local, "ftp://x", "?"]).urls, [one]);
    assert.deepEqual(new ControlPlanes(["http://localhost:1"], [local]).learned, [local]);
  });

  it("does not give a key away in the clear that was given over TLS", () => {
    const planes = new ControlPlanes(["https://one:1"], [two, "https://two:1"]);
    assert.deepEqual(planes.learned, ["https://two:1"]);
  });

  it("ends what is asked of a control plane when its link is gone", () => {
    const planes = new ControlPlanes([one, two], []);
    planes.arrived(one);
    const leaving = planes.linked!.leaving;
    planes.left(two, "another");
    assert.equal(leaving.aborted, false);
    planes.left(one, "cut");
    assert.equal(leaving.reason.code, "unavailable");
    assert.equal(planes.linked, undefined);
  });
});
