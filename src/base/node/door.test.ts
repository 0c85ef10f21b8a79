import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { openDoor } from "./door.ts";

const upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

test("close() does not wait for links that nobody has answered, whether they hung up or not", async (t) => {
  const held = Promise.withResolvers<void>();
  let count = 0;
  const hall = {
    request: () => {},
    upgrade: () => void ((count += 1) === 2 && held.resolve()),
  };
  const door = await openDoor({ host: "127.0.0.1", port: 0 }, hall);
  const [stays, hangsUp] = [connect(door.port, "127.0.0.1"), connect(door.port, "127.0.0.1")];
  t.after(() => stays.destroy());
  for (const socket of [stays, hangsUp]) socket.write(upgrade);
  await held.promise;
  const ended = once(stays.resume(), "close");
  hangsUp.end();
  await door.close(0);
  await ended;
  await assert.rejects(once(connect(door.port, "127.0.0.1"), "connect"), { code: "ECONNREFUSED" });
});
