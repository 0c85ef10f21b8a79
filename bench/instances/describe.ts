import { DescribeInstancesCommand, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { startEc2 } from "#/aws/ec2/testing/world.ts";
import { median, repeat } from "../figures.ts";
import type { Part } from "./part.ts";

const instances = 500;
const describeMsMax = 300;

/**
 * What the control plane itself takes for many instances: the SDK's client launches them at once, from the call until all of them
 * are told to run, and describes them in one answer. Their machine does what it is told at once, in words alone: the answer is
 * made of records, and no machine has a part in it.
 */
export const describe: Part = {
  name: "describe",
  async measure({ runs }) {
    const world = await startEc2();
    try {
      const { client } = world;
      const asked = { MinCount: instances, MaxCount: instances, InstanceType: "c.nano" as never };
      const begun = performance.now();
      await client.send(new RunInstancesCommand({ ImageId: world.filesImage, ...asked }));
      const running = { Filters: [{ Name: "instance-state-name", Values: ["running"] }] };
      const count = async (input: object) => {
        const { Reservations } = await client.send(new DescribeInstancesCommand(input));
        return Reservations!.reduce((sum, { Instances }) => sum + Instances!.length, 0);
      };
      while ((await count(running)) < instances);
      const launchMs = performance.now() - begun;
      const times = await repeat(Math.max(runs, 5), async () => {
        const from = performance.now();
        if ((await count({})) !== instances) throw new Error("not all were described");
        return performance.now() - from;
      });
      const describeMs = median(times);
      return {
        figures: { launch500Ms: launchMs, describe500Ms: describeMs },
        goals: [
          {
            what: `${instances} instances described`,
            target: `< ${describeMsMax} ms`,
            figure: `${describeMs.toFixed(0)} ms`,
            holds: describeMs < describeMsMax,
          },
        ],
        notes: [
          `the ${instances} instances that are described are records of a machine that runs nothing`,
        ],
      };
    } finally {
      await world.stop();
    }
  },
};
