import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CancelSpotInstanceRequestsCommand,
  DescribeInstancesCommand,
  DescribeSpotInstanceRequestsCommand,
  DescribeSpotPriceHistoryCommand,
  RequestSpotInstancesCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
  waitUntilInstanceRunning,
  waitUntilInstanceTerminated,
  waitUntilSpotInstanceRequestFulfilled,
} from "@aws-sdk/client-ec2";
import { startEc2, waiting, type Ec2World } from "./testing/world.ts";

let world: Ec2World;
before(async () => {
  world = await startEc2();
});
after(() => world.stop());

const send = ((command: never) => world.client.send(command)) as Ec2World["client"]["send"];
const wait = () => ({ client: world.client, ...waiting });
const specification = (InstanceType: string) => ({
  LaunchSpecification: { ImageId: world.filesImage, InstanceType: InstanceType as "t3.micro" },
});

async function request(id: string) {
  const { SpotInstanceRequests } = await send(
    new DescribeSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] }),
  );
  return SpotInstanceRequests![0]!;
}

test("a request is fulfilled by an instance, and is over when that is terminated", async () => {
  const { SpotInstanceRequests } = await send(
    new RequestSpotInstancesCommand(specification("c.nano")),
  );
  const id = SpotInstanceRequests![0]!.SpotInstanceRequestId!;
  await waitUntilSpotInstanceRequestFulfilled(wait(), { SpotInstanceRequestIds: [id] });
  const InstanceIds = [(await request(id)).InstanceId!];
  await waitUntilInstanceRunning(wait(), { InstanceIds });
  const { Reservations } = await send(
    new DescribeInstancesCommand({ Filters: [{ Name: "instance-lifecycle", Values: ["spot"] }] }),
  );
  assert.equal(Reservations![0]!.Instances![0]!.SpotInstanceRequestId, id);
  await send(new TerminateInstancesCommand({ InstanceIds }));
  await waitUntilInstanceTerminated(wait(), { InstanceIds });
  assert.equal((await request(id)).State, "closed");
});

test("a price that is too low leaves a request open, which is cancelled", async () => {
  const { SpotInstanceRequests } = await send(
    new RequestSpotInstancesCommand({ SpotPrice: "0.000001", ...specification("c.large") }),
  );
  const id = SpotInstanceRequests![0]!.SpotInstanceRequestId!;
  assert.deepEqual(
    [(await request(id)).State, (await request(id)).Status!.Code],
    ["open", "price-too-low"],
  );
  await assert.rejects(
    world.other.send(new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] })),
    { name: "InvalidSpotInstanceRequestID.NotFound" },
  );
  await send(new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] }));
  assert.equal((await request(id)).State, "cancelled");
});

test("RunInstances buys at the market, each instance by a request of its own, or says that it is too dear", async () => {
  const run = (MaxPrice: string) =>
    send(
      new RunInstancesCommand({
        ImageId: world.filesImage,
        InstanceType: "c.small" as never,
        MinCount: 2,
        MaxCount: 2,
        InstanceMarketOptions: { MarketType: "spot", SpotOptions: { MaxPrice } },
      }),
    );
  const { Instances } = await run("1");
  const requests = new Set(Instances!.map((one) => one.SpotInstanceRequestId));
  assert.equal(requests.size, 2);
  assert.equal((await request([...requests][0]!)).State, "active");
  await assert.rejects(run("0.0000001"), { name: "SpotMaxPriceTooLow" });
});

test("prices follow what of the machines is in use", async () => {
  const price = async () => {
    const { SpotPriceHistory } = await send(
      new DescribeSpotPriceHistoryCommand({
        InstanceTypes: ["m5.large"],
        AvailabilityZone: "us-east-1a",
      }),
    );
    return Number(SpotPriceHistory![0]!.SpotPrice);
  };
  const before = await price();
  assert.equal(before, 0.02874);
  await send(
    new RunInstancesCommand({
      ImageId: world.filesImage,
      InstanceType: "c.8xlarge" as never,
      MinCount: 1,
      MaxCount: 1,
    }),
  );
  assert.ok((await price()) > before);
});
