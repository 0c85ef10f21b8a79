import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  CancelSpotInstanceRequestsCommand,
  DescribeInstancesCommand,
  DescribeSpotInstanceRequestsCommand,
  DescribeSpotPriceHistoryCommand,
  type DescribeSpotPriceHistoryCommandInput,
  RequestSpotInstancesCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
  waitUntilInstanceRunning,
  waitUntilInstanceTerminated,
  waitUntilSpotInstanceRequestFulfilled,
} from "@aws-sdk/client-ec2";
import { startEc2 } from "./testing/world.ts";

const world = await startEc2();
after(() => world.stop());
const { send, wait } = world;
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

test("prices follow what of the machines is in use, and what they were is told, the newest first, page by page", async () => {
  const { spotPrices, parts } = world.aws;
  const history = async (more: Partial<DescribeSpotPriceHistoryCommandInput> = {}) => {
    const asked = { InstanceTypes: ["m5.large"], AvailabilityZone: "us-east-1a", ...more };
    const { SpotPriceHistory = [], NextToken } = await send(
      new DescribeSpotPriceHistoryCommand(asked as DescribeSpotPriceHistoryCommandInput),
    );
    return {
      all: SpotPriceHistory,
      prices: SpotPriceHistory.map(({ SpotPrice }) => Number(SpotPrice)),
      NextToken,
    };
  };
  assert.deepEqual((await history()).all, []);
  const since = parts.clock.now();
  spotPrices.turn();
  assert.deepEqual((await history()).prices, [0.02874]);
  const later = async () => {
    while (parts.clock.now() <= since) await new Promise((resolve) => void setTimeout(resolve, 1));
  };
  await later();
  await send(
    new RunInstancesCommand({
      ImageId: world.filesImage,
      InstanceType: "c.8xlarge" as never,
      MinCount: 1,
      MaxCount: 1,
    }),
  );
  spotPrices.turn();
  spotPrices.turn();
  const { all, prices } = await history();
  assert.ok(prices[0]! > prices[1]! && prices[1] === 0.02874, String(prices));
  assert.equal(prices.length, 2);
  assert.deepEqual((await history({ EndTime: all[1]!.Timestamp })).prices, [0.02874]);
  assert.deepEqual((await history({ StartTime: new Date(Date.now() + 1000) })).prices, [prices[0]]);
  const Filters = [{ Name: "spot-price", Values: ["0.02874*"] }];
  assert.deepEqual((await history({ Filters })).prices, [0.02874]);
  assert.deepEqual((await history({ ProductDescriptions: ["Windows"] })).prices, []);
  const first = await history({ MaxResults: 1 });
  const second = await history({ MaxResults: 1, NextToken: first.NextToken });
  assert.deepEqual([...first.prices, ...second.prices, second.NextToken], [...prices, undefined]);
  const types = await history({ InstanceTypes: [] });
  assert.ok(types.all.length > 50 && new Set(types.all.map((one) => one.InstanceType)).size > 20);
});

test("a launch at the market by a token that was used gives its instances, whatever the price is by then", async () => {
  const run = (MaxPrice: string) =>
    send(
      new RunInstancesCommand({
        ImageId: world.filesImage,
        InstanceType: "c.nano" as never,
        MinCount: 1,
        MaxCount: 1,
        ClientToken: "once",
        InstanceMarketOptions: { MarketType: "spot", SpotOptions: { MaxPrice } },
      }),
    );
  const [first] = (await run("1")).Instances!;
  const [again] = (await run("1")).Instances!;
  assert.equal(again!.InstanceId, first!.InstanceId);
  assert.equal(again!.SpotInstanceRequestId, first!.SpotInstanceRequestId);
  await assert.rejects(run("0.5"), { name: "IdempotentParameterMismatch" });
});
