import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TestCloud } from "../cloud.ts";
import { debianTools, type DebianTools } from "../debian-aws.ts";

const cloud = new TestCloud();
let tools: DebianTools;
before(async () => {
  await cloud.up("--no-agent");
  tools = await debianTools(cloud, cloud.dataFolder);
});
after(() => cloud.stop());

const ec2: DebianTools["ec2"] = (...words) => tools.ec2(...words);

test("awscli makes a network, a group with rules, a key and a volume, which outlive kill -9", async () => {
  const tags = (type: string) =>
    `--tag-specifications ResourceType=${type},Tags=[{Key=Name,Value=mine},{Key=stage,Value=test}]`;
  const vpc = await ec2(`create-vpc --cidr-block 10.7.0.0/16 --query Vpc.VpcId ${tags("vpc")}`);
  await ec2(`create-subnet --vpc-id ${vpc} --cidr-block 10.7.1.0/24`);
  const group = await ec2(
    `create-security-group --vpc-id ${vpc} --group-name web --query GroupId --description`,
    "of the web",
  );
  const rule = "--protocol tcp --port 80-81 --cidr 0.0.0.0/0";
  await ec2(`authorize-security-group-ingress --group-id ${group} ${rule}`);
  const key = await ec2("create-key-pair --key-name k --query KeyMaterial");
  assert.match(key, /^-----BEGIN/);
  const volume = await ec2(
    `create-volume --availability-zone us-east-1a --size 3 --query VolumeId ${tags("volume")}`,
  );
  await cloud.kill();
  await cloud.up("--no-agent");
  const rules = "SecurityGroups[].IpPermissions[].[FromPort,ToPort,IpRanges[0].CidrIp]";
  const found = `describe-security-groups --filters Name=group-name,Values=w?b --query ${rules}`;
  assert.equal(await ec2(found), "80\t81\t0.0.0.0/0");
  const mine = "--filters Name=tag:Name,Values=mine --query";
  const volumes = `describe-volumes ${mine} Volumes[].[VolumeId,Size]`;
  assert.equal(await ec2(volumes), `${volume}\t3`);
  assert.equal(await ec2(`describe-tags ${mine} length(Tags)`), "2");
  await ec2(`wait volume-available --volume-ids ${volume}`);
  await ec2(`delete-volume --volume-id ${volume}`);
  await assert.rejects(
    ec2(`describe-volumes --volume-ids ${volume}`),
    /\(InvalidVolume\.NotFound\)/,
  );
});

test("awscli is told in EC2's codes what cannot be", async () => {
  const refused: [words: string, code: string][] = [
    ["run-instances --image-id ami-0123456789abcdef0", "InvalidAMIID.NotFound"],
    ["describe-instances --instance-ids i-1", "InvalidInstanceID.Malformed"],
    ["create-vpc --cidr-block 10.0.0.0/16 --dry-run", "DryRunOperation"],
    ["describe-vpcs --filters Name=colour,Values=red", "InvalidParameterValue"],
  ];
  for (const [words, code] of refused)
    await assert.rejects(ec2(words), ({ message }: Error) => message.includes(`(${code})`));
  const types = "--instance-types t3.micro --query InstanceTypes[].MemoryInfo.SizeInMiB";
  assert.equal(await ec2(`describe-instance-types ${types}`), "1024");
});
