import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { bootScript } from "./user-data.ts";

const always = ["sh", "tar", "gzip", "gunzip", "mkdir", "chmod", "rm", "sleep"];
const folder = mkdtempSync(join(tmpdir(), "canopy-user-data-"));
const cloud = createServer((request, response) => {
  if (request.url === "/v1/agent/agent.tar.gz")
    response.end(readFileSync(join(folder, "agent.tar.gz")));
  else response.writeHead(404).end();
});
let url: string;

before(async () => {
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  // It says what it was told once it may, which is after its script has ended.
  writeFileSync(
    join(folder, "agent.js"),
    `import { existsSync, writeFileSync } from "node:fs";
const told = [process.env.CANOPY_JOIN_TOKEN, ...process.argv.slice(2)];
const look = () => existsSync("go") ? writeFileSync("told", JSON.stringify(told)) : setTimeout(look, 20);
look();
setTimeout(process.exit, 60_000).unref();`,
  );
  const files = ["-C", folder, "agent.js", "package.json"];
  execFileSync("tar", ["-czf", join(folder, "agent.tar.gz"), ...files]);
  await new Promise<void>((resolve) => cloud.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(cloud.address() as { port: number }).port}`;
});
after(() => {
  cloud.close();
  rmSync(folder, { recursive: true });
});

describe("bootScript()", () => {
  for (const fetcher of ["curl", "wget", "python3"])
    it(`starts an agent that goes on without it, where of all that fetches there is ${fetcher}`, async () => {
      const home = join(folder, fetcher);
      mkdirSync(join(home, "bin"), { recursive: true });
      for (const name of [...always, fetcher]) {
        // What is found first may be a script that needs more than there is.
        const of =
          name === "python3"
            ? "python3 -c 'import sys; print(sys.executable)'"
            : `command -v ${name}`;
        const path = execFileSync("sh", ["-c", of], { encoding: "utf8" }).trim();
        symlinkSync(path, join(home, "bin", name));
      }
      symlinkSync(process.execPath, join(home, "bin/node"));
      const agentArgs = ["--cpus", "1"];
      const script = bootScript({ urls: [url], token: "t'oken", agentArgs, isDetached: true });
      const env = { PATH: join(home, "bin"), CANOPY_FOLDER: join(home, "canopy") };
      await promisify(execFile)("sh", ["-c", script], { env });
      writeFileSync(join(home, "canopy/go"), "");
      const told = join(home, "canopy/told");
      while (!existsSync(told) || readFileSync(told).length === 0)
        await new Promise((resolve) => setTimeout(resolve, 20));
      const args = ["--url", url, "--cpus", "1", "--folder", join(home, "canopy/agent")];
      assert.deepEqual(JSON.parse(readFileSync(told, "utf8")), ["t'oken", ...args]);
    });
});
