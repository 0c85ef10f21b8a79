import { bullmqAlways, bullmqEverysec } from "./bullmq.ts";
import type { Peer } from "./peer.ts";

export const peers: readonly Peer[] = [bullmqAlways, bullmqEverysec];
