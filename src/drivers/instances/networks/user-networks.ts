import { join } from "node:path";
import type { InstanceOrder } from "#/model/hosting.ts";
import type { Networks, PreparedNetwork } from "../../instance-driver.ts";
import { MetadataDoors } from "../metadata/doors.ts";
import { MetadataService } from "../metadata/service.ts";
import type { NetworksParts } from "./parts.ts";
import { openedPorts, PortPool, type Forwards } from "./ports.ts";

/**
 * Networks without rights on the machine: each instance is alone, its driver plays a network to it, and ports of the machine
 * lead to those that its rules open to everyone. Who comes from where cannot be told there, so a rule for some addresses
 * opens nothing; and what an instance's rules are is looked at when it starts.
 */
export class UserNetworks implements Networks {
  readonly type = "user";
  #parts: NetworksParts;
  #ports: PortPool;
  #service: MetadataService;
  #doors: MetadataDoors;

  constructor(parts: NetworksParts) {
    this.#parts = parts;
    this.#ports = new PortPool(parts);
    this.#service = new MetadataService(parts);
    this.#doors = new MetadataDoors(parts, this.#service);
  }

  async prepare(order: InstanceOrder): Promise<PreparedNetwork> {
    const { instance, network, metadata } = order;
    this.#service.know(instance, metadata);
    const metadataSocket = await this.#doors.open(instance);
    const forwards = network.hasPublicAddress ? await this.#forwardsOf(order) : [];
    return { type: "user", metadataSocket, forwards };
  }

  async #forwardsOf(order: InstanceOrder): Promise<Forwards> {
    const { files } = this.#parts;
    const { instance } = order;
    const file = this.#fileOf(instance);
    const content = await files.read(file);
    if (content?.length) {
      const kept = JSON.parse(Buffer.from(content).toString()) as Forwards;
      this.#ports.keep(instance, kept);
      return kept;
    }
    const opened = openedPorts(order, ({ cidr }) => cidr === "0.0.0.0/0");
    const forwards = await this.#ports.forwardsFor(order, opened);
    // Where there is none, none of it can be lost with the machine: it is looked at anew then.
    await files.write(file, JSON.stringify(forwards), { durable: forwards.length > 0 });
    return forwards;
  }

  async know(): Promise<void> {}

  async remove(instance: string): Promise<void> {
    this.#ports.release(instance);
    this.#service.forget(instance);
    await this.#doors.close(instance);
    await this.#parts.files.remove(this.#fileOf(instance));
  }

  async close(): Promise<void> {
    await this.#doors.closeAll();
  }

  #fileOf(instance: string): string {
    return join(this.#parts.folder, "networks", `${instance}.json`);
  }
}
