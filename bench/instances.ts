import { DescribeInstancesCommand, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { startEc2 } from "#/aws/ec2/testing/world.ts";
import { median, repeat, type BenchOptions, type Report } from "./figures.ts";

const instances = 500;

/**
 * What the control plane itself takes for many instances: the SDK's client launches them at once, from the call until all of them
 * are told to run, and describes them in one answer. Their machine does what it is told at once, in words alone.
 */
export async function benchInstances({ runs, say }: BenchOptions): Promise<Report> {
  const world = await startEc2();
  try {
    const { client } = world;
    say(`${instances} instances`);
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
    return {
      bench: "instances",
      figures: { launch500Ms: launchMs, describe500Ms: median(times) },
      peers: {},
      ratios: {},
      targets: { describe500Ms: 300 },
    };
  } finally {
    await world.stop();
  }
}
