import type {
  BucketView,
  MadeWebhookView,
  NotificationView,
  WebhookView,
} from "#/model/bucket-views.ts";
import type { Page } from "#/model/views.ts";
import type { Http } from "./http.ts";

/** Calls about buckets, and about who is told of what happens in them. */
export class BucketCalls {
  #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  list(query: { limit?: number; cursor?: string } = {}): Promise<Page<BucketView>> {
    return this.#http.json("GET", "/v1/buckets", { query });
  }

  create(bucket: {
    name: string;
    hasObjectLock?: boolean;
    quotaBytes?: number;
    quotaObjects?: number;
  }): Promise<BucketView> {
    return this.#http.json("POST", "/v1/buckets", { body: bucket });
  }

  read(name: string): Promise<BucketView> {
    return this.#http.json("GET", `/v1/buckets/${encodeURIComponent(name)}`);
  }

  change(
    name: string,
    quota: { quotaBytes?: number | null; quotaObjects?: number | null },
  ): Promise<BucketView> {
    return this.#http.json("PATCH", `/v1/buckets/${encodeURIComponent(name)}`, { body: quota });
  }

  remove(name: string): Promise<void> {
    return this.#http.json("DELETE", `/v1/buckets/${encodeURIComponent(name)}`);
  }

  notifications(bucket: string): Promise<Page<NotificationView>> {
    return this.#http.json("GET", `/v1/buckets/${encodeURIComponent(bucket)}/notifications`);
  }

  tell(
    bucket: string,
    asked: {
      webhook?: string;
      queue?: string;
      events: string[];
      prefix?: string;
      suffix?: string;
    },
  ): Promise<NotificationView> {
    const path = `/v1/buckets/${encodeURIComponent(bucket)}/notifications`;
    return this.#http.json("POST", path, { body: asked });
  }

  tellNoLonger(bucket: string, id: string): Promise<void> {
    const path = `/v1/buckets/${encodeURIComponent(bucket)}/notifications/${encodeURIComponent(id)}`;
    return this.#http.json("DELETE", path);
  }

  webhooks(query: { limit?: number; cursor?: string } = {}): Promise<Page<WebhookView>> {
    return this.#http.json("GET", "/v1/webhooks", { query });
  }

  createWebhook(webhook: { name: string; url: string }): Promise<MadeWebhookView> {
    return this.#http.json("POST", "/v1/webhooks", { body: webhook });
  }

  removeWebhook(name: string): Promise<void> {
    return this.#http.json("DELETE", `/v1/webhooks/${encodeURIComponent(name)}`);
  }
}
