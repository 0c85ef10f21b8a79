import type { Door } from "./door.ts";
import type { Site } from "./site.ts";

type Expected = Pick<Site, "urls" | "machines" | "programs">;

interface StatusAnswer {
  controlPlanes: { url: string; role: string }[];
}

interface MachinesAnswer {
  items: { name: string; connected: boolean }[];
}

/** What is not there of a cloud to which nothing is done: a control plane, a leader, a machine. A sentence for each. */
export async function whoIsAbsent(
  door: Door,
  { urls, machines, programs }: Expected,
): Promise<string[]> {
  const absent: string[] = [];
  for (const url of urls) {
    const { controlPlanes } = await door.at(url).must<StatusAnswer>("GET", "/v1/status");
    const known = controlPlanes.map((plane) => plane.url);
    const told = JSON.stringify(controlPlanes);
    if (known.length !== urls.length || !urls.every((own) => known.includes(own)))
      absent.push(`${url} knows of ${told} and not of each of ${urls.join(", ")}`);
    if (controlPlanes.filter(({ role }) => role === "leader").length !== 1)
      absent.push(`${url} knows of ${told}, of which one must lead`);
  }
  for (const { name, isReady } of programs)
    if (!isReady) absent.push(`${name} has not said that it is ready`);
  const { items } = await door.must<MachinesAnswer>("GET", "/v1/machines?limit=100");
  if (items.length !== machines || items.some(({ connected }) => !connected))
    absent.push(
      `${machines} machines must be connected, of ${JSON.stringify(items.map(({ name, connected }) => ({ name, connected })))}`,
    );
  return absent;
}
