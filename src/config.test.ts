import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readConfig } from "./config.ts";

test("readConfig() takes a port, its default where there is none, and refuses what is no port", () => {
  const portOf = (CANOPY_PORT?: string) =>
    readConfig({ HOME: "/home/u", ...(CANOPY_PORT !== undefined && { CANOPY_PORT }) }).port;
  assert.deepEqual(["0", "8080", "", undefined].map(portOf), [0, 8080, 8420, 8420]);
  for (const text of ["http", "-1", "65536", "80.5"])
    assert.throws(() => portOf(text), {
      code: "invalid",
      message: /CANOPY_PORT must be 0 to 65535/,
    });
});

test("a wrong CANOPY_PORT is told like any other error, and only to who needs it", () => {
  const canopy = fileURLToPath(new URL("../bin/canopy", import.meta.url));
  const run = (...args: string[]) =>
    spawnSync(canopy, args, {
      env: { PATH: process.env["PATH"], HOME: "/nowhere", CANOPY_PORT: "http" },
      encoding: "utf8",
    });
  const up = run("up", "--json");
  assert.equal(up.status, 2, up.stderr);
  const { error } = JSON.parse(up.stderr) as { error: { code: string; message: string } };
  assert.equal(error.code, "invalid");
  assert.match(error.message, /current value is 'http'/);
  assert.equal(run("cost", "breakeven", "--help").status, 0);
});
