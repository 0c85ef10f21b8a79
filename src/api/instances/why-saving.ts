import { decisionsAbout } from "#/autonomic/decide.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { ImageRecord } from "#/model/image.ts";
import type { SpotRequestRecord } from "#/model/spot-request.ts";
import { briefSize } from "#/model/units.ts";
import { whyView } from "#/model/views.ts";
import type { SnapshotRecord, VolumeRecord } from "#/model/volume.ts";
import { defineCall } from "../call.ts";
import { inProject, savingParams } from "../params.ts";
import { explainedDecision } from "../views/decisions.ts";
import { explainedSavings } from "../views/savings.ts";

export const whySaving = defineCall({
  summary: "Explain what is done about something that costs money",
  description:
    "Whether a volume, a snapshot, the data of an image or a spot request serves somebody, as far as can be seen; how far the policy lets Canopy end it, and what was done or proposed.",
  tag: "instances",
  role: "viewer",
  params: savingParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    const { space } = parts;
    const { saving: id } = params;
    const all = await decisionsAbout(space, id, limits.decisionsShown);
    const decisions = all.filter((one) => one.project === project);
    const found = explainedSavings(parts, project, id);
    const record = (["volume", "snapshot", "image", "spot-request"] as const)
      .map((kind) => space.get(kind, id))
      .find((one) => one?.project === project);
    if (!record && decisions.length === 0)
      throw new CanopyError(
        "not-found",
        `Cannot find the volume, snapshot, image or request '${id}'`,
      );
    const serves = record && found.length === 0 ? [{ sentence: standingOf(record) }] : [];
    return {
      id,
      phase: record?.status.state ?? "gone",
      explanations: [...found, ...serves, ...decisions.flatMap(explainedDecision)],
    };
  },
});

/** Of what costs nothing that could be saved now. */
function standingOf(
  record: VolumeRecord | SnapshotRecord | ImageRecord | SpotRequestRecord,
): string {
  const removal = record.kind === "image" ? record.status.removal : undefined;
  if (!removal) return "it serves somebody, as far as can be seen, or is new";
  const freed = `its data is being removed: ${briefSize(removal.freedBytes)} of it are freed`;
  return removal.waitsFor === undefined ? freed : `${freed}, and it waits: ${removal.waitsFor}`;
}
