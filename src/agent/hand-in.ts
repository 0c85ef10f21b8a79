import { join } from "node:path";
import type { Host } from "#/base/host.ts";
import { Outbox } from "./outbox.ts";
import { OwedBlobs, type OwedEvents } from "./owed.ts";
import { blobsOf, Reports } from "./reports.ts";

/**
 * What has ended here until the cloud has it: reports in memory, on disk as well when that takes long,
 * and the blobs that they name.
 */
export class HandIn {
  readonly reports: Reports;
  readonly owed: OwedBlobs;
  #outbox: Outbox;

  constructor(
    host: Pick<Host, "files" | "clock" | "log">,
    folder: string,
    isLinked: () => boolean,
  ) {
    this.owed = new OwedBlobs(host, join(folder, "owed"));
    this.reports = new Reports(host.clock, (key) => this.owed.has(key));
    this.#outbox = new Outbox(host, join(folder, "outbox"), { reports: this.reports, isLinked });
  }

  /** Finds what had ended in an earlier life. `ready` is called when there is more to hand in. */
  async open(events: { pay: OwedEvents["pay"]; ready(): void }): Promise<void> {
    const { reports, owed } = this;
    await owed.open();
    const ended = await this.#outbox.read();
    for (const report of ended) reports.add(report);
    this.#outbox.start(ended);
    owed.start(
      {
        pay: events.pay,
        paid: () => {
          reports.paid();
          events.ready();
        },
        refused: (key, error) => {
          reports.refused(key, error);
          events.ready();
        },
      },
      new Set(ended.flatMap(blobsOf)),
    );
  }

  /** Leaves all that is not acknowledged on disk. */
  async stop(): Promise<void> {
    this.owed.stop();
    await this.#outbox.stop();
  }
}
