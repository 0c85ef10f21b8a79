import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { median } from "../figures.ts";
import { BareCrun } from "./bare-crun.ts";
import { InstanceCloud } from "./instance-cloud.ts";
import { ratioGoal, type Part, type PartResult } from "./part.ts";
import { archiveOf, rootWith } from "./programs.ts";

const type = "c.nano";
const parallel = 50;
const ratioMax = 1.3;
/** Says when it runs, by the clock that all of the machine share, in nanoseconds. */
const command = ["sh", "-c", "/usr/bin/date +%s%N; exec sleep 100000"];
const time = /(\d{19})\n/;

/** From the call of RunInstances until the instance's program runs, beside crun alone with the same bundle, in turns. */
export const containers = (networks: "user" | "full"): Part => ({
  name: `containers in ${networks} networks`,
  async measure({ folder, runs }) {
    // Who is root in a container is nobody out here.
    chmodSync(folder, 0o711);
    const own = join(folder, networks);
    mkdirSync(own);
    const root = join(own, "root");
    rootWith(root, ["/usr/bin/date"]);
    const cloud = await InstanceCloud.start(join(own, "cloud"), networks);
    try {
      const image = await cloud.import(archiveOf(root, command), "--name", "starts");
      await cloud.isReady(image, type);
      const [first = ""] = await cloud.launch(image, type);
      await cloud.says(first, time);
      const config = join(cloud.folderOf(first), "container/config.json");
      const bare = new BareCrun(join(own, "bare"), { root, config });
      const starts = await inTurns(runs * 3, {
        ours: () => launched(cloud, image),
        bare: () => bare.run("cgroupfs"),
        withoutGroups: () => bare.run("disabled"),
      });
      const all = await launchedTogether(cloud, image);
      return resultOf(networks, starts, all);
    } finally {
      await cloud.stop();
    }
  },
});

type Starts = Record<"ours" | "bare" | "withoutGroups", number>;

/** Medians of what is done in turns. */
async function inTurns(
  turns: number,
  of: Record<keyof Starts, () => Promise<number>>,
): Promise<Starts> {
  const times = { ours: [] as number[], bare: [] as number[], withoutGroups: [] as number[] };
  for (let turn = 0; turn < turns; turn++)
    for (const name of ["ours", "bare", "withoutGroups"] as const)
      times[name].push(await of[name]());
  const { ours, bare, withoutGroups } = times;
  return { ours: median(ours), bare: median(bare), withoutGroups: median(withoutGroups) };
}

const now = () => performance.timeOrigin + performance.now();

async function runsAt(cloud: InstanceCloud, id: string): Promise<number> {
  const [, at = ""] = await cloud.says(id, time);
  return Number(BigInt(at) / 1000n) / 1000;
}

async function launched(cloud: InstanceCloud, image: string): Promise<number> {
  const from = now();
  const [id = ""] = await cloud.launch(image, type);
  const tookMs = (await runsAt(cloud, id)) - from;
  await cloud.terminate([id]);
  return tookMs;
}

/** As many calls at once: until the last one's program runs. */
async function launchedTogether(cloud: InstanceCloud, image: string): Promise<number> {
  const from = now();
  const calls = Array.from({ length: parallel }, () => cloud.launch(image, type));
  const ids = (await Promise.all(calls)).flat();
  const at = await Promise.all(ids.map((id) => runsAt(cloud, id)));
  await cloud.terminate(ids);
  return Math.max(...at) - from;
}

function resultOf(networks: string, starts: Starts, allMs: number): PartResult {
  const name = (what: string) => `${what}${networks === "full" ? "Full" : "User"}`;
  const ratio = starts.ours / starts.bare;
  return {
    figures: {
      [`${name("container")}Ms`]: starts.ours,
      [`${name("bareCrun")}Ms`]: starts.bare,
      [`${name("bareCrunWithoutGroups")}Ms`]: starts.withoutGroups,
      [`${name("containersAtOnce")}Ms`]: allMs,
    },
    goals: [
      ratioGoal(`container, ${networks} networks`, ratio, ratioMax, "bare crun run"),
      {
        what: `${parallel} containers at once, ${networks} networks`,
        target: "all run",
        figure: `${(allMs / 1000).toFixed(1)} s, ${(allMs / parallel).toFixed(0)} ms each`,
        holds: true,
      },
    ],
  };
}
