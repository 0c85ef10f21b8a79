import { createServer, type AddressInfo } from "node:net";

/** Where a program runs: an address of its own, or a port of its own on this computer's. */
export interface Place {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The command that runs this one there. */
  wrap(command: string[]): string[];
}

/** A place on the loopback, at a port that is free now. */
export async function loopbackPlace(name: string): Promise<Place> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { name, address: "127.0.0.1", port, wrap: (command) => command };
}
