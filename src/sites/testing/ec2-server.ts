import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { nodeProcesses } from "#/base/node/processes.ts";
import { isSigned } from "./signature.ts";

/** What goes wrong with the next call of that name, in Amazon's words. */
export interface Injected {
  action: string;
  code: string;
  message: string;
  /** The instance is made all the same: without its tags when "untagged". */
  made?: "tagged" | "untagged";
}

interface Instance {
  id: string;
  type: string;
  zone: string;
  token: string;
  tags: Record<string, string>;
  /** Of one on spot, in dollars per hour; what it costs on demand when it names none. */
  priceMax: number;
  state: "running" | "stopped" | "terminated";
  reason?: string;
  launched: string;
}

/** What an instance may leave behind. */
interface Part {
  id: string;
  type: "volume" | "network-interface" | "spot-instances-request";
  instance: string;
  tags: Record<string, string>;
  state: "in-use" | "available" | "active";
}

/**
 * A stand-in that speaks EC2's query protocol, as far as the site asks. Its instances are processes that run
 * their user data, in folders of their own.
 */
export class Ec2Server {
  readonly accessKeyId = "AKIDEXAMPLE";
  readonly secretAccessKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  readonly instances: Instance[] = [];
  /** What instances have beside themselves: disks, interfaces, requests. */
  parts: Part[] = [];
  /** What stays when its instance ends, as an image or a region may have it. */
  keeps = new Set<Part["type"]>();
  readonly calls: string[] = [];
  /** Dollars per hour of spot, by zone. */
  readonly spotPrices = new Map([
    ["eu-1a", 0.03],
    ["eu-1b", 0.031],
  ]);
  injected: Injected[] = [];
  /** Awaited when a call has arrived, and again when it was carried out and is not answered yet. */
  hook: ((action: string, moment: "asked" | "done") => Promise<void>) | undefined;
  /** Whether a call is lost once the hook has been asked about it: it is neither carried out nor answered. */
  isDropped = false;
  url = "";
  #folder: string;
  #server = createServer();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async start(): Promise<void> {
    this.#server.on("request", async (request, response) => {
      const body = await text(request);
      const asked = new URLSearchParams(body);
      const action = asked.get("Action") ?? "";
      const { hook } = this;
      await hook?.(action, "asked");
      if (this.isDropped && hook && hook !== this.hook) {
        this.isDropped = false;
        return void response.destroy();
      }
      const { status, xml } = this.#answer(asked, request.headers, body);
      await this.hook?.(action, "done");
      response.writeHead(status, { "content-type": "text/xml" }).end(xml);
    });
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  stop(): void {
    for (const instance of this.instances) this.end(instance, "the test is over");
    this.#server.close();
  }

  /** Ends an instance as a power cut does. */
  end(instance: Instance, reason: string): void {
    for (const pid of nodeProcesses.marked("EC2_INSTANCE", instance.id)) nodeProcesses.kill(pid);
    if (instance.state === "terminated") return;
    instance.state = "terminated";
    instance.reason = reason;
    this.parts = this.parts.filter(
      ({ type, instance: of }) => of !== instance.id || this.keeps.has(type),
    );
    for (const part of this.parts)
      if (part.instance === instance.id && part.type !== "spot-instances-request")
        part.state = "available";
  }

  /** Spot of a zone costs that from now on: instances that would not pay it are taken away. */
  reprice(zone: string, price: number): void {
    this.spotPrices.set(zone, price);
    for (const one of this.instances)
      if (one.zone === zone && one.priceMax < price)
        this.end(one, "Server.SpotInstanceTermination: the price is above the maximum");
  }

  #answer(
    asked: URLSearchParams,
    headers: Parameters<typeof isSigned>[0],
    body: string,
  ): { status: number; xml: string } {
    const action = asked.get("Action") ?? "";
    this.calls.push(action);
    if (!isSigned(headers, body, this.secretAccessKey)) {
      const message = "AWS was not able to validate the provided access credentials";
      return { status: 401, xml: errorXml("AuthFailure", message) };
    }
    const fault = this.injected.find((one) => one.action === action);
    if (fault) {
      this.injected = this.injected.filter((one) => one !== fault);
      if (fault.made) this.#run(asked, fault.made === "tagged");
      const status = /Limit|Throttl|Internal|Unavailable|Insufficient/.test(fault.code) ? 503 : 400;
      return { status, xml: errorXml(fault.code, fault.message) };
    }
    if (action === "RunInstances" && this.#spotPrice(asked) > priceMaxOf(asked)) {
      const message = "Your Spot request price is lower than the minimum required";
      return { status: 400, xml: errorXml("SpotMaxPriceTooLow", message) };
    }
    const content = this.#content(action, asked);
    return { status: 200, xml: `<${action}Response>${content}</${action}Response>` };
  }

  #content(action: string, asked: URLSearchParams): string {
    switch (action) {
      case "DescribeInstanceTypes":
        return `<instanceTypeSet>${listOf(asked, "InstanceType")
          .map(
            (type) =>
              `<item><instanceType>${type}</instanceType><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>2048</sizeInMiB></memoryInfo></item>`,
          )
          .join("")}</instanceTypeSet>`;
      case "DescribeSpotPriceHistory":
        return `<spotPriceHistorySet>${[...this.spotPrices]
          .map(
            ([zone, price]) =>
              `<item><instanceType>m7i.large</instanceType><spotPrice>${price.toFixed(6)}</spotPrice><availabilityZone>${zone}</availabilityZone><timestamp>2026-11-22T00:00:00Z</timestamp></item>`,
          )
          .join("")}</spotPriceHistorySet>`;
      case "DescribeInstances":
        return `<reservationSet>${this.#found(asked)
          .map((one) => `<item><instancesSet>${instanceXml(one)}</instancesSet></item>`)
          .join("")}</reservationSet>`;
      case "RunInstances":
        return `<instancesSet>${instanceXml(this.#run(asked, true))}</instancesSet>`;
      case "TerminateInstances": {
        const ids = listOf(asked, "InstanceId");
        for (const one of this.instances)
          if (ids.includes(one.id)) this.end(one, "Client.UserInitiatedShutdown");
        return "<instancesSet/>";
      }
      case "DescribeVolumes":
        return `<volumeSet>${this.#partsXml(asked, "volume", "volumeId", "tagSet")}</volumeSet>`;
      case "DescribeNetworkInterfaces":
        return `<networkInterfaceSet>${this.#partsXml(asked, "network-interface", "networkInterfaceId", "tagSet")}</networkInterfaceSet>`;
      case "DescribeSpotInstanceRequests":
        return `<spotInstanceRequestSet>${this.#partsXml(asked, "spot-instances-request", "spotInstanceRequestId", "tagSet")}</spotInstanceRequestSet>`;
      case "DeleteVolume":
        return this.#remove(asked.get("VolumeId")!);
      case "DeleteNetworkInterface":
        return this.#remove(asked.get("NetworkInterfaceId")!);
      case "CancelSpotInstanceRequests":
        return this.#remove(asked.get("SpotInstanceRequestId.1")!);
      default:
        throw new Error(`the stand-in knows no ${action}`);
    }
  }

  /** What the market asks now for what is asked for; nothing where that is on demand. */
  #spotPrice(asked: URLSearchParams): number {
    if (asked.get("InstanceMarketOptions.MarketType") !== "spot") return 0;
    return this.spotPrices.get(asked.get("Placement.AvailabilityZone") ?? "") ?? 0;
  }

  #remove(id: string): string {
    this.parts = this.parts.filter((part) => part.id !== id);
    return "<return>true</return>";
  }

  #partsXml(asked: URLSearchParams, type: Part["type"], idName: string, tagsName: string): string {
    const filters = filtersOf(asked);
    return this.parts
      .filter((part) => part.type === type)
      .filter((part) =>
        filters.every(({ name, values }) =>
          values.includes(name.startsWith("tag:") ? (part.tags[name.slice(4)] ?? "") : part.state),
        ),
      )
      .map(({ id, tags }) => `<item><${idName}>${id}</${idName}>${tagsXml(tags, tagsName)}</item>`)
      .join("");
  }

  #run(asked: URLSearchParams, isTagged: boolean): Instance {
    const token = asked.get("ClientToken") ?? "";
    const known = this.instances.find((one) => one.token === token);
    if (known) return known;
    const tags: Record<string, string> = {};
    for (let number = 1; asked.has(`TagSpecification.1.Tag.${number}.Key`); number++) {
      const at = `TagSpecification.1.Tag.${number}`;
      tags[asked.get(`${at}.Key`)!] = asked.get(`${at}.Value`)!;
    }
    const isSpot = asked.get("InstanceMarketOptions.MarketType") === "spot";
    const instance: Instance = {
      id: `i-${String(this.instances.length).padStart(8, "0")}`,
      type: `${asked.get("InstanceType")}${isSpot ? " spot" : ""}`,
      zone: asked.get("Placement.AvailabilityZone") ?? "",
      token,
      tags: isTagged ? tags : {},
      priceMax: priceMaxOf(asked),
      state: "running",
      launched: new Date().toISOString(),
    };
    this.instances.push(instance);
    for (let number = 1; asked.has(`TagSpecification.${number}.ResourceType`); number++) {
      const type = asked.get(`TagSpecification.${number}.ResourceType`)!;
      if (type === "instance" || !isTagged) continue;
      const id = `${type}-${instance.id}`;
      const state = type === "spot-instances-request" ? "active" : "in-use";
      this.parts.push({ id, type: type as Part["type"], instance: instance.id, tags, state });
    }
    const folder = join(this.#folder, instance.id);
    mkdirSync(folder, { recursive: true });
    const script = Buffer.from(asked.get("UserData") ?? "", "base64").toString();
    spawn("/bin/sh", ["-s", "--", "--memory", "1073741824"], {
      stdio: ["pipe", "ignore", "ignore"],
      env: { PATH: process.env["PATH"], EC2_INSTANCE: instance.id, CANOPY_FOLDER: folder },
    }).stdin!.end(script);
    return instance;
  }

  #found(asked: URLSearchParams): Instance[] {
    const filters = filtersOf(asked);
    return this.instances.filter((one) =>
      filters.every(({ name, values }) => {
        if (name === "instance-state-name") return values.includes(one.state);
        const own = name === "client-token" ? one.token : one.tags[name.slice("tag:".length)];
        return values.some((value) =>
          value.endsWith("*") ? own?.startsWith(value.slice(0, -1)) : own === value,
        );
      }),
    );
  }
}

function filtersOf(asked: URLSearchParams): { name: string; values: string[] }[] {
  const filters: { name: string; values: string[] }[] = [];
  for (let number = 1; asked.has(`Filter.${number}.Name`); number++) {
    const name = asked.get(`Filter.${number}.Name`)!;
    filters.push({ name, values: listOf(asked, `Filter.${number}.Value`) });
  }
  return filters;
}

function priceMaxOf(asked: URLSearchParams): number {
  return Number(asked.get("InstanceMarketOptions.SpotOptions.MaxPrice") ?? Infinity);
}

function tagsXml(tags: Record<string, string>, name: string): string {
  const items = Object.entries(tags).map(
    ([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`,
  );
  return `<${name}>${items.join("")}</${name}>`;
}

/** "InstanceId.1", "InstanceId.2" … */
function listOf(asked: URLSearchParams, name: string): string[] {
  const values: string[] = [];
  for (let number = 1; asked.has(`${name}.${number}`); number++)
    values.push(asked.get(`${name}.${number}`)!);
  return values;
}

function instanceXml({ id, type, token, tags, state, reason, launched }: Instance): string {
  const why = reason === undefined ? "" : `<stateReason><message>${reason}</message></stateReason>`;
  return `<item><instanceId>${id}</instanceId><instanceType>${type}</instanceType><clientToken>${token}</clientToken><launchTime>${launched}</launchTime><instanceState><code>0</code><name>${state}</name></instanceState>${why}${tagsXml(tags, "tagSet")}</item>`;
}

function errorXml(code: string, message: string): string {
  return `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>`;
}
