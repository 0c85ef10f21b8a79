import { after } from "node:test";
import { TestCloud } from "./cloud.ts";
import { SharedCloud } from "./shared-cloud.ts";

const clouds: TestCloud[] = [];
const shared: SharedCloud[] = [];

// Those that share a log before the server of that log.
after(async () => {
  await Promise.all(clouds.map((cloud) => cloud.stop()));
  await Promise.all(shared.map((cloud) => cloud.stop()));
});

/** A cloud that is stopped, and forgotten, after the tests of the file. */
export function newCloud(folder?: string): TestCloud {
  const cloud = new TestCloud(folder);
  clouds.push(cloud);
  return cloud;
}

/** The same of several control planes over one PostgreSQL, with so many machines. */
export async function newSharedCloud(
  ...sizes: Parameters<typeof SharedCloud.start>
): Promise<SharedCloud> {
  const cloud = await SharedCloud.start(...sizes);
  shared.push(cloud);
  return cloud;
}
