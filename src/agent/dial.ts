import type { Timer } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { Link } from "#/base/network.ts";

/**
 * Opens a link to the first of those addresses that lets it. They are dialled in turn, the next one as
 * soon as one fails or is silent for limits.dialAheadMs, so that a machine which has vanished without a
 * word holds nobody up (as RFC 8305 does for addresses of one name). Links that open too late are closed.
 *
 * Throws CanopyError "unauthenticated" or "forbidden" when every address refused the key, otherwise
 * "unavailable".
 */
export function dialAny(
  { network, clock }: Pick<Host, "network" | "clock">,
  urls: readonly string[],
  key: string,
): Promise<{ url: string; link: Link }> {
  return new Promise((resolve, reject) => {
    const failures: unknown[] = [];
    const timers = new Set<Timer>();
    let next = 0;
    let isOver = false;

    function end(): void {
      isOver = true;
      for (const timer of timers) timer.cancel();
    }

    function later(delayMs: number, action: () => void): Timer {
      const timer = clock.after(delayMs, () => {
        timers.delete(timer);
        action();
      });
      timers.add(timer);
      return timer;
    }

    function failed(thrown: unknown): void {
      if (isOver) return;
      failures.push(thrown);
      if (failures.length === urls.length) {
        end();
        reject(failures.find((failure) => !isRefusal(failure)) ?? thrown);
      }
    }

    function dialNext(): void {
      if (isOver || next >= urls.length) return;
      const url = urls[next++]!;
      let isOpen = true;
      const settle = (thrown: unknown) => {
        if (!isOpen) return;
        isOpen = false;
        tooLong.cancel();
        failed(thrown);
        ahead.cancel();
        dialNext();
      };
      const ahead = later(limits.dialAheadMs, dialNext);
      const tooLong = later(limits.dialMs, () =>
        settle(new CanopyError("unavailable", `${url} did not answer in ${limits.dialMs} ms`)),
      );
      network.dial(linkUrl(url), { authorization: `Bearer ${key}` }).then((link) => {
        if (isOver || !isOpen) return link.close("another link was opened");
        end();
        resolve({ url, link });
      }, settle);
    }

    dialNext();
  });
}

export function isRefusal(thrown: unknown): thrown is CanopyError {
  return thrown instanceof CanopyError && ["unauthenticated", "forbidden"].includes(thrown.code);
}

function linkUrl(cloudUrl: string): string {
  const url = new URL("/v1/link", cloudUrl);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
