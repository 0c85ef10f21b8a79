import type { Chance } from "#/base/testing/chance.ts";
import { ec2 } from "#/aws/ec2/service.ts";
import { ec2Dialect } from "#/aws/protocols/query-read.ts";
import { schemasOf } from "#/aws/schemas.ts";
import type { Member, Shape } from "#/aws/schema/shape.ts";
import { weird } from "./mutate.ts";
import type { Wanted } from "./sign.ts";

/** A parameter as a form names it, "BlockDeviceMapping.1.Ebs.VolumeSize", and what its schema says that it holds. */
interface Parameter {
  name: string;
  shape: Shape;
}

/** What a call needs to be about something; "ami-" stands for an id that begins so. */
const starts: Record<string, string> = {
  AllocateAddress: "Domain=vpc",
  AssociateAddress: "AllocationId=eipalloc-&InstanceId=i-",
  AttachVolume: "VolumeId=vol-&InstanceId=i-&Device=/dev/sdf",
  AuthorizeSecurityGroupIngress:
    "GroupId=sg-&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
  CreateImage: "InstanceId=i-&Name=fuzz",
  CreateLaunchTemplate: "LaunchTemplateName=fuzz&LaunchTemplateData.ImageId=ami-",
  CreateLaunchTemplateVersion: "LaunchTemplateId=lt-&LaunchTemplateData.InstanceType=c.micro",
  CreateSecurityGroup: "GroupName=fuzz&GroupDescription=fuzz",
  CreateSubnet: "VpcId=vpc-&CidrBlock=10.0.1.0/24",
  CreateTags: "ResourceId.1=i-&Tag.1.Key=a&Tag.1.Value=b",
  CreateVolume: "AvailabilityZone=us-east-1a&Size=1&VolumeType=gp3",
  CreateVpc: "CidrBlock=10.0.0.0/16",
  ModifyInstanceAttribute: "InstanceId=i-",
  ModifyVolume: "VolumeId=vol-&Size=2",
  RegisterImage:
    "Name=fuzz&RootDeviceName=sda1&BlockDeviceMapping.1.DeviceName=sda1&BlockDeviceMapping.1.Ebs.SnapshotId=snap-",
  RequestSpotInstances: "InstanceCount=1&LaunchSpecification.ImageId=ami-",
  RunInstances: "ImageId=ami-&MinCount=1&MaxCount=1",
};

/** How ids begin that parameters of such names take. */
const prefixes: [RegExp, string][] = [
  [/InstanceId/, "i-"],
  [/VolumeId/, "vol-"],
  [/SnapshotId/, "snap-"],
  [/ImageId/, "ami-"],
  [/VpcId/, "vpc-"],
  [/SubnetId/, "subnet-"],
  [/GroupId/, "sg-"],
  [/AllocationId/, "eipalloc-"],
  [/RequestId/, "sir-"],
  [/TemplateId/, "lt-"],
];

const depthMax = 5;
const idsKept = 400;
const idPattern = /\b[a-z]{1,8}-[0-9a-f]{17}\b/g;

/** What a word may be anywhere: most parameters take one of these, and the others have to refuse it. */
const words = [
  "default",
  "self",
  "all",
  "amazon",
  "us-east-1a",
  "us-east-1",
  "c.micro",
  "v.small",
  "t3.micro",
  "gp3",
  "io2",
  "spot",
  "one-time",
  "persistent",
  "hibernate",
  "stop",
  "enabled",
  "required",
  "optional",
  "instance",
  "volume",
  "tcp",
  "icmp",
  "-1",
  "10.0.0.0/16",
  "10.0.1.0/24",
  "0.0.0.0/0",
  "255.255.255.255/33",
  "::/0",
  "10.0.0.5",
  "/dev/sdf",
  "sda1",
  "fuzz",
  "$Latest",
  "$Default",
  "add",
  "remove",
  "launchPermission",
  "userData",
  "tag:a",
  "tag-key",
  "instance-state-name",
  "attachment.device",
  "cluster",
  "x86_64",
  "__proto__",
  "constructor",
  "aws:reserved",
  "i-00000000000000000",
  "vol-0000000000000000g",
  "🙂é\u0000",
  "2026-11-23T10:00:00Z",
] as const;

const numbers = [
  "0",
  "1",
  "2",
  "5",
  "8",
  "22",
  "100",
  "1000",
  "1001",
  "-1",
  "-0",
  "0.5",
  "1e3",
  "1e999",
  "-1e999",
  "2147483648",
  "9007199254740993",
  "16384",
] as const;
const moments = [
  "0",
  "-1",
  "1e12",
  "-62198755200",
  "253402300800",
  "9999-12-31T23:59:59Z",
  "2026-11-23T10:00:00Z",
  "2026-11-23",
] as const;
const indices = ["0", "2", "-1", "007", "999999", "999999999", "1e3", "x", ""] as const;

/**
 * Calls of every operation of EC2, each with some of the parameters that its schema knows, in values that are right of one and
 * wrong of most; ids that answers named come again, so that later calls are about things that are there.
 */
export class Ec2Calls {
  #operations: [name: string, parameters: Parameter[]][];
  #ids: string[] = [];

  private constructor(operations: [string, Parameter[]][]) {
    this.#operations = operations;
  }

  static async open(): Promise<Ec2Calls> {
    const schemas = await schemasOf(ec2);
    return new Ec2Calls(
      Object.keys(ec2.operations).map((name) => {
        const parameters: Parameter[] = [];
        walk(schemas.operation(name)!.input, "", 0, parameters);
        return [name, parameters];
      }),
    );
  }

  /** Its ids are used from now on. */
  learn(answer: string): void {
    for (const [id] of answer.matchAll(idPattern)) if (!this.#ids.includes(id)) this.#ids.push(id);
    this.#ids.splice(0, this.#ids.length - idsKept);
  }

  next(chance: Chance): Wanted {
    const [action, parameters] = chance.pick(this.#operations);
    const said: [string, string][] = [
      ["Action", action],
      ["Version", ec2.version],
    ];
    for (const [name, value] of new URLSearchParams(starts[action]))
      if (!chance.isOneIn(20))
        said.push([name, value.endsWith("-") ? this.#idOf(value, chance) : value]);
    const often = chance.pick([2, 8, 30, 100]);
    for (const { name, shape } of parameters)
      if (chance.isOneIn(name === "DryRun" ? 20 : often))
        said.push([this.#nameOf(name, chance), this.#valueOf(shape, name, chance)]);
    if (chance.isOneIn(20)) said.push(...this.#many(chance.pick(parameters), chance));
    const body = Buffer.from(new URLSearchParams(said).toString());
    return {
      method: "POST",
      path: "/",
      query: [],
      headers: [
        ["content-type", "application/x-www-form-urlencoded; charset=utf-8"],
        ["content-length", String(body.length)],
      ],
      body,
      service: "ec2",
    };
  }

  /** Most often as it is; else another index, a part left out, or more than there is. */
  #nameOf(name: string, chance: Chance): string {
    if (!chance.isOneIn(12)) return name;
    const parts = name.split(".");
    const at = chance.below(parts.length);
    if (parts[at] === "1") parts[at] = chance.pick(indices);
    else if (chance.isOneIn(2)) parts.length = at + 1;
    else parts.push("1", "x");
    return parts.join(".");
  }

  #valueOf({ type }: Shape, name: string, chance: Chance): string {
    if (chance.isOneIn(15)) return chance.isOneIn(10) ? "x".repeat(70_000) : chance.pick(weird);
    if (type === "number" || type === "integer") return chance.pick(numbers);
    if (type === "boolean") return chance.pick(["true", "false"]);
    if (type === "timestamp") return chance.pick(moments);
    if (type === "blob") return Buffer.from(chance.pick(words)).toString("base64");
    const prefix = prefixes.find(([pattern]) => pattern.test(name))?.[1];
    if (prefix !== undefined || chance.isOneIn(10)) return this.#idOf(prefix ?? "", chance);
    return chance.pick(words);
  }

  #idOf(prefix: string, chance: Chance): string {
    const known = this.#ids.filter((id) => id.startsWith(prefix));
    if (known.length === 0 || chance.isOneIn(15)) return `${prefix}0123456789abcdef0`;
    return chance.pick(known);
  }

  /** A list of more than anyone needs, or one parameter over and over. */
  #many({ name, shape }: Parameter, chance: Chance): [string, string][] {
    const count = chance.pick([50, 201, 999, 1001, 3000]);
    const isList = name.includes(".1");
    return Array.from({ length: count }, (_, at) => [
      isList ? name.replace(".1", `.${at + 1}`) : name,
      this.#valueOf(shape, name, chance),
    ]);
  }
}

function walk(shape: Shape, prefix: string, depth: number, found: Parameter[]): void {
  for (const member of shape.members) {
    const name = `${prefix}${ec2Dialect.nameOf(member)}`;
    add(member, name, depth, found);
  }
}

function add({ shape }: Member, name: string, depth: number, found: Parameter[]): void {
  if (shape.type === "list") add(shape.value, `${name}.1`, depth + 1, found);
  else if (shape.type !== "structure") found.push({ name, shape });
  else if (depth < depthMax) walk(shape, `${name}.`, depth + 1, found);
}
