import { createHmac } from "node:crypto";
import type { Sealer } from "#/access/identities/identities.ts";
import { within, type Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { isLinkLocal } from "#/base/link-local.ts";
import type { Network } from "#/base/network.ts";
import type { Random } from "#/base/random.ts";
import { webhookNameOf, type WebhookRecord } from "#/model/webhook.ts";
import type { Space, Transaction } from "#/space/space.ts";
import type { Message, Place } from "./places.ts";

/**
 * Addresses outside that are told of events by POST, signed as Standard Webhooks has it: HMAC-SHA256 over id, time and body
 * with a secret that only both sides know. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export class Webhooks implements Place {
  readonly atOnceMax = limits.noticesToWebhookMax;
  #space: Space;
  #sealer: Sealer;
  #clock: Clock;
  #random: Random;
  #network: Pick<Network, "request"> | undefined;

  constructor(parts: {
    space: Space;
    sealer: Sealer;
    clock: Clock;
    random: Random;
    /** Absent where nobody outside can be reached. */
    network?: Pick<Network, "request"> | undefined;
  }) {
    this.#space = parts.space;
    this.#sealer = parts.sealer;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#network = parts.network;
  }

  /** A secret for a new webhook: "whsec_" and 32 bytes in base64. */
  newSecret(): string {
    return `whsec_${Buffer.from(this.#random.bytes(32)).toString("base64")}`;
  }

  /** Throws CanopyError "invalid" for a name or an address that is none, "conflict" for a name that is taken. */
  create(
    tx: Transaction,
    asked: { project: string; name: string; url: string },
    secret: string,
  ): WebhookRecord {
    const { project, name, url } = asked;
    if (!/^[\w-]{1,64}$/.test(name))
      throw new CanopyError(
        "invalid",
        `Cannot make a webhook as its name must be 1 to 64 letters, digits, '-' and '_': current value is '${name}'`,
      );
    checkUrl(url);
    const full = `${project}/${name}`;
    if (tx.get("webhook", full))
      throw new CanopyError(
        "conflict",
        `Cannot make the webhook '${name}' as there is one of that name`,
        { hint: `Delete it first: canopy webhook delete ${name}` },
      );
    if (this.#space.count("webhook", project) >= limits.webhooksMax)
      throw new CanopyError(
        "limited",
        `Cannot make a webhook as a project has at most ${limits.webhooksMax}`,
      );
    return tx.put<"webhook">({
      kind: "webhook",
      project,
      name: full,
      spec: {
        url,
        sealedSecret: this.#sealer.seal(secret, `webhook ${full}`),
        createdAt: this.#clock.now(),
      },
      status: {},
    });
  }

  /** What its messages are signed with. */
  secretOf({ name, spec }: WebhookRecord): string {
    return this.#sealer.unseal(spec.sealedSecret, `webhook ${name}`);
  }

  isThere(arn: string, project: string): boolean {
    return this.#find(arn, project) !== undefined;
  }

  async tell(arn: string, project: string, { id, body }: Message): Promise<void> {
    const webhook = this.#find(arn, project);
    if (!webhook || !this.#network) throw new Error("there is no way to it");
    const { url } = webhook.spec;
    const secret = this.secretOf(webhook);
    const timestamp = String(Math.floor(this.#clock.now() / 1000));
    const ended = new AbortController();
    const status = await within(
      this.#clock,
      limits.webhookAnswerMs,
      this.#post(
        url,
        {
          "webhook-id": id,
          "webhook-timestamp": timestamp,
          "webhook-signature": signatureOf(secret, id, timestamp, body),
        },
        body,
        ended.signal,
      ),
    ).finally(() => ended.abort(new Error("no answer in time")));
    if (status === undefined) throw new Error(`no answer in ${limits.webhookAnswerMs} ms`);
    if (status < 200 || status > 299) throw new Error(`it answered with the status ${status}`);
  }

  async #post(
    url: string,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<number> {
    const answer = await this.#network!.request({
      method: "POST",
      url,
      headers: {
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(body)),
        "user-agent": "canopy",
        ...headers,
      },
      body,
      signal,
      refuses: isLinkLocal,
    });
    let bytes = 0;
    for await (const piece of answer.body) {
      bytes += piece.length;
      if (bytes > limits.webhookAnswerBytesMax) break;
    }
    return answer.status;
  }

  #find(arn: string, project: string): WebhookRecord | undefined {
    const name = webhookNameOf(arn);
    return name === undefined ? undefined : this.#space.get("webhook", `${project}/${name}`);
  }
}

function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return `v1,${signature}`;
}

/** Throws CanopyError "invalid". */
function checkUrl(url: string): void {
  const parsed = URL.parse(url);
  if (parsed && isLinkLocal(parsed.hostname))
    throw new CanopyError(
      "invalid",
      `Cannot make a webhook as its address must not be one of a link or of a provider's metadata: current value is '${url}'`,
    );
  if (parsed && /^https?:$/.test(parsed.protocol) && parsed.hostname !== "") return;
  throw new CanopyError(
    "invalid",
    `Cannot make a webhook as its address must begin with http:// or https://: current value is '${url}'`,
  );
}
