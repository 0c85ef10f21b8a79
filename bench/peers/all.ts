import { bullmqAlways, bullmqEverysec } from "./bullmq.ts";
import { celery } from "./celery.ts";
import { dask } from "./dask.ts";
import { graphile } from "./graphile.ts";
import type { Peer } from "./peer.ts";
import { pgBoss } from "./pg-boss.ts";
import { slurm } from "./slurm.ts";

export const peers: readonly Peer[] = [
  bullmqAlways,
  bullmqEverysec,
  pgBoss,
  graphile,
  celery,
  dask,
  slurm,
];
