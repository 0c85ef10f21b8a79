import { startCloud } from "../../cloud.ts";
import { fire } from "../load.ts";
import { sha256, Signer, type Credentials } from "../sign.ts";
import type { StoreKind } from "../store.ts";

/** `canopy up`, and a bucket by its S3 door. */
export const canopy: StoreKind = {
  name: "canopy",
  isDurable: true,
  path: "/bench",
  missing: () => Promise.resolve(undefined),
  async start(folder) {
    const cloud = await startCloud(folder, ["--no-agent"]);
    const { hostname: host, port } = new URL(cloud.awsUrl);
    const to = { host, port: Number(port) };
    const credentials = await accessKeyOf(cloud);
    const signer = new Signer(`${host}:${port}`, credentials);
    await fire(to, 1, [{ head: signer.head("PUT", "/bench", "", sha256(""), 0) }]);
    return { ...to, credentials, pids: () => [cloud.pid], stop: () => cloud.stop() };
  },
};

async function accessKeyOf({ url, key }: { url: string; key: string }): Promise<Credentials> {
  const answer = await fetch(`${url}/v1/access-keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ title: "bench" }),
  });
  if (!answer.ok) throw new Error(`Cannot make an access key: ${await answer.text()}`);
  return (await answer.json()) as Credentials;
}
