import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { siteConfig } from "#/model/site-config.ts";
import { siteOpener } from "./open.ts";
import { thisProgram } from "./testing/program.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-open-"));
after(() => rmSync(folder, { recursive: true }));

test("forget() removes keys of sites that are not wanted any more, and no others", async () => {
  const program = thisProgram(folder);
  const sites = join(folder, "sites");
  const open = siteOpener(nodeHost(silent), { folder: sites, env: program.env, program });
  for (const name of ["kept", "gone"]) {
    const config = siteConfig.parse({ type: "ssh", hosts: [{ address: "127.0.0.1", port: 1 }] });
    const secrets = { privateKey: `the key of ${name}` };
    const site = await open({ name, cloudId: "c1", config, secrets });
    await site.offers().catch(() => {});
    assert.match(readFileSync(join(sites, name, "key"), "utf8"), new RegExp(secrets.privateKey));
    await site.close();
  }
  assert.deepEqual(await open.forget!((name) => name === "kept"), ["gone"]);
  assert.ok(existsSync(join(sites, "kept", "key")));
  assert.ok(!existsSync(join(sites, "gone")));
});
