import type { NoticeRecord } from "#/model/notice.ts";
import { webhookNameOf } from "#/model/webhook.ts";
import type { Transaction } from "#/space/space.ts";

/** Notes of a webhook that it was not told something in all tries. */
export function noteDead(
  tx: Transaction,
  { project, spec }: NoticeRecord,
  { at, fault }: { at: number; fault: string },
): void {
  const name = webhookNameOf(spec.to);
  const webhook = name === undefined ? undefined : tx.get("webhook", `${project}/${name}`);
  if (!webhook) return;
  const count = (webhook.status.dead?.count ?? 0) + 1;
  tx.put<"webhook">({ ...webhook, status: { ...webhook.status, dead: { count, at, fault } } });
}
