import { limits } from "#/base/limits.ts";
import type { TaskOffer } from "#/model/wire.ts";
import type { FakeAgent, Rig } from "./rig.ts";

/** What an agent holds of a step. */
export const ofStep = (agent: FakeAgent, step: string): TaskOffer[] =>
  agent.held.filter(({ task }) => task.startsWith(`${step}/`));

/** Members of a gang under way on all of these. */
export const membersOn = (agents: readonly FakeAgent[], step: string) =>
  agents.flatMap((agent) => ofStep(agent, step).map(({ task }) => task)).sort();

/** Machines of two CPUs, all of which ask for work. */
export async function pool(rig: Rig, machines: number): Promise<FakeAgent[]> {
  const agents = Array.from({ length: machines }, (_, index) => rig.agent(`m${index}`));
  for (const agent of agents) {
    agent.onOffer = () => agent.session.pull(1024);
    await agent.pull();
  }
  return agents;
}

/** Lets time pass, in which these are heard. */
export async function pass(rig: Rig, agents: readonly FakeAgent[], ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= limits.heartbeatMs) {
    for (const agent of agents) agent.beat(agent.held);
    await rig.clock.advance(Math.min(leftMs, limits.heartbeatMs));
  }
}
