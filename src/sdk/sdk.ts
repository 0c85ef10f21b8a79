/** What a program imports as "canopy-cloud/sdk". */
export { job, mapReduce, task } from "./define.ts";
export { gangPlace, type GangPlace } from "./context.ts";
export { now, random, sideEffect } from "./recorded.ts";
export { TaskFailed } from "./failures.ts";
export { connect, type Client, type ConnectOptions } from "./client.ts";
export { load, type JobHandle, type Loaded, type LoadOptions } from "./load.ts";
export { openObjects, type ObjectOptions, type Objects } from "./objects/objects.ts";
export { CanopyError } from "#/base/errors.ts";
export type {
  Handle,
  Items,
  Job,
  JobOptions,
  MapOptions,
  MapReduce,
  MapReduceOptions,
  Results,
  Task,
  TaskOptions,
} from "./task.ts";
