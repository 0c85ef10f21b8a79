import { CanopyError } from "#/base/errors.ts";
import { folded, Hosts } from "#/instances/place.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import { nearestWord } from "#/model/nearest-word.ts";
import { whyView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, instanceTypeParams } from "../params.ts";

export const whyInstanceType = defineCall({
  summary: "Explain where a type of instance has room",
  description: "Machine by machine: for how many there is room, or why there is none.",
  tag: "instances",
  role: "viewer",
  params: instanceTypeParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  run({ parts, project, params }) {
    const type = instanceTypes.get(params.type);
    if (!type) throw unknown(params.type);
    const hosts = new Hosts(parts.space, parts.scheduler);
    const rooms = hosts.rooms(type, project);
    const misfits = folded(hosts.explain({ type, project, placement: {} }));
    const explanations = [
      ...rooms.map(({ machine, room }) => ({
        machine,
        sentence: `has room for ${room} more`,
      })),
      ...misfits,
    ];
    const none = { sentence: "no machine has joined yet", advice: "canopy join" };
    return {
      id: type.name,
      phase: rooms.length > 0 ? "available" : "full",
      explanations: explanations.length > 0 ? explanations : [none],
    };
  },
});

function unknown(name: string): CanopyError {
  const near = nearestWord(name, [...instanceTypes.keys()]);
  return new CanopyError("not-found", `Cannot find the instance type '${name}'`, {
    hint: near === undefined ? "canopy instances types" : `Did you mean ${near}?`,
  });
}
