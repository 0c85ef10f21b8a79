import { limits } from "#/base/limits.ts";
import { QmpError, type Qmp, type QmpEvent } from "./qmp.ts";

const statusOf = ({ event, data }: QmpEvent) =>
  event === "MIGRATION" ? String(data["status"]) : undefined;

interface MigrationWay {
  /** It waits when the guest stands still, until the copies of its disks are whole. */
  stopsForDisks?: boolean;
  /** Memory that is a file does not go with it. */
  leavesMemory?: boolean;
}

/** Prepares both ends of a passage of memory: as fast as it goes, standing still only shortly, and never without an end. */
export async function prepareMigration(
  qmp: Qmp,
  { stopsForDisks = false, leavesMemory = false }: MigrationWay = {},
): Promise<void> {
  await qmp.run("migrate-set-capabilities", {
    capabilities: [
      { capability: "events", state: true },
      { capability: "auto-converge", state: true },
      { capability: "pause-before-switchover", state: stopsForDisks },
      { capability: "x-ignore-shared", state: leavesMemory },
    ],
  });
  await qmp.run("migrate-set-parameters", {
    "max-bandwidth": limits.moveBytesPerSecond,
    "downtime-limit": limits.movePauseMs,
  });
}

/**
 * Sends its memory and the state of its devices to where `uri` says. `beforeSwitch` runs when the guest stands still
 * and all but the last of it has gone. Throws QmpError when it fails; the guest then goes on if it ran.
 */
export async function sendMemory(
  qmp: Qmp,
  uri: string,
  beforeSwitch?: () => Promise<void>,
): Promise<void> {
  const reached = await qmp.expect(
    () => qmp.run("migrate", { uri }),
    (event) =>
      isOver(statusOf(event)) ||
      (beforeSwitch !== undefined && statusOf(event) === "pre-switchover"),
    limits.guestMoveMs,
  );
  if (reached && statusOf(reached) === "pre-switchover") {
    const ended = await qmp.expect(
      async () => {
        await beforeSwitch!();
        await qmp.run("migrate-continue", { state: "pre-switchover" });
      },
      (event) => isOver(statusOf(event)),
      limits.guestMoveMs,
    );
    return mustBeDone(qmp, ended);
  }
  return mustBeDone(qmp, reached);
}

/** Takes in what comes by `uri`, of which `open` is told as soon as it is listened there. Throws QmpError when it fails. */
export async function takeMemory(qmp: Qmp, uri: string, open: () => Promise<void>): Promise<void> {
  const ended = await qmp.expect(
    async () => {
      await qmp.run("migrate-incoming", { uri });
      await open();
    },
    (event) => isOver(statusOf(event)),
    limits.guestMoveMs,
  );
  await mustBeDone(qmp, ended);
}

const isOver = (status: string | undefined) =>
  status === "completed" || status === "failed" || status === "cancelled";

async function mustBeDone(qmp: Qmp, ended: QmpEvent | undefined): Promise<void> {
  const status = ended && statusOf(ended);
  if (status === "completed") return;
  if (status === undefined) await qmp.run("migrate_cancel").catch(() => {});
  const why = await qmp.run<{ "error-desc"?: string }>("query-migrate").catch(() => undefined);
  throw new QmpError(
    "migrate",
    "GenericError",
    why?.["error-desc"] ?? `it has ${status ?? "not ended"}`,
  );
}
