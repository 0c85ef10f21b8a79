import type { InstanceOrder } from "#/model/hosting.ts";

/** An order for an instance of which nothing matters but what a test says. */
export const instanceOrder = (more: Partial<InstanceOrder> = {}): InstanceOrder => ({
  instance: "i-1",
  fence: 1,
  project: "p",
  kind: "container",
  wanted: "running",
  reboots: 0,
  vcpus: 1,
  memoryBytes: 1,
  root: { type: "disk" },
  imageProject: "p",
  disks: [],
  network: {
    interface: "eni-1",
    vpc: "vpc-1",
    subnetCidr: "10.0.0.0/20",
    privateIp: "10.0.0.4",
    mac: "02:00:00:00:00:01",
    hostname: "ip-10-0-0-4",
    ingress: [],
    egress: [],
    hasPublicAddress: true,
  },
  metadata: { isEnabled: true, hopLimit: 1, documents: {} },
  ...more,
});
