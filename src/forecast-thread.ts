import { CanopyError, messageOf } from "#/base/errors.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { onThread } from "#/base/node/threads.ts";
import { run, type Errand } from "#/forecast/errand.ts";
import type { FromThread, ToThread } from "#/forecast/forecaster.ts";
import { Unpacking } from "#/forecast/parcels.ts";

/** The thread on which forks run: it is told an errand in pieces, and answers when it has been done. */
let errand = new Unpacking();

onThread((message, answer) => {
  const say = (what: FromThread) => answer(what);
  const told = message as ToThread;
  if ("parcel" in told) return errand.add(told.parcel);
  const whole = errand.value as unknown as Errand;
  errand = new Unpacking();
  run(whole, nodeClock).then(
    (found) => say({ answer: found }),
    (thrown: unknown) => {
      const known = thrown instanceof CanopyError ? thrown : undefined;
      const text = known?.message ?? (thrown instanceof Error ? thrown.stack : undefined);
      const error = { message: text ?? messageOf(thrown), code: known?.code, hint: known?.hint };
      say({ error });
    },
  );
});
