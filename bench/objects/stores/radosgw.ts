import { Radosgw, radosgwMissing } from "#/base/testing/radosgw.ts";
import { fire } from "../load.ts";
import { sha256, Signer } from "../sign.ts";
import type { StoreKind } from "../store.ts";

/** One monitor, one storage daemon on a file, and the gateway. */
export const radosgw: StoreKind = {
  name: "radosgw",
  isDurable: true,
  path: "/bench",
  missing: () => Promise.resolve(radosgwMissing),
  async start() {
    const ceph = await Radosgw.start();
    const to = { host: "127.0.0.1", port: ceph.port };
    const { credentials } = ceph;
    const signer = new Signer(`${to.host}:${to.port}`, credentials);
    await fire(to, 1, [{ head: signer.head("PUT", "/bench", "", sha256(""), 0) }]);
    return { ...to, credentials, pids: () => ceph.pids, stop: () => ceph.stop() };
  },
};
