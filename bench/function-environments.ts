// How long environments of functions take on this machine, on the drivers alone: a start without and with a waiting sandbox, a call
// one at a time, the CPU that both sides use for it, and a call of one that stood still. Run: node bench/function-environments.ts
import { sleep } from "#/base/clock.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { FunctionRig } from "#/drivers/functions/testing/function-rig.ts";

const MiB = 1024 * 1024;
const starts = 12;
const calls = 5000;
const files = {
  node: { "index.mjs": "export const handler = async (event) => event;" },
  python: { "lambda_function.py": "def lambda_handler(event, context): return event" },
};

const rig = await FunctionRig.open();
for (const interpreter of ["node", "python"] as const) {
  const blob = await rig.pack(files[interpreter]);
  const start = async (memoryBytes: number) => {
    const beganMs = performance.now();
    const run = await rig.start(interpreter, {}, { code: { blob, sizeBytes: 1 }, memoryBytes });
    await run.ready;
    return { run, tookMs: performance.now() - beganMs };
  };
  const cold: number[] = [];
  const prepared: number[] = [];
  for (let index = 0; index < starts; index++) {
    // A kind that no sandbox waits for yet, and then one that is there.
    const memoryBytes = (256 + index) * MiB;
    const first = await start(memoryBytes);
    await sleep(nodeClock, 800);
    const second = await start(memoryBytes);
    cold.push(first.tookMs);
    prepared.push(second.tookMs);
    await Promise.all([first.run.end(), second.run.end()]);
  }
  const { run } = await start(128 * MiB);
  for (let index = 0; index < 500; index++) await run.invoke({});
  const tookMs: number[] = [];
  let functionCpuMs = 0;
  const before = process.cpuUsage();
  for (let index = 0; index < calls; index++) {
    const beganMs = performance.now();
    functionCpuMs += (await run.invoke({ number: index })).usage.cpuMs;
    tookMs.push(performance.now() - beganMs);
  }
  const { user, system } = process.cpuUsage(before);
  await sleep(nodeClock, 1500);
  const beganMs = performance.now();
  await run.invoke({});
  const thawedMs = performance.now() - beganMs;
  await run.end();
  console.log(interpreter);
  console.log(`  start without a waiting sandbox  ${told(cold)}`);
  console.log(`  start with one                   ${told(prepared)}`);
  console.log(`  call                             ${told(tookMs)}`);
  console.log(
    `  CPU of a call: agent ${((user + system) / calls).toFixed(0)} us, function ${((functionCpuMs * 1000) / calls).toFixed(0)} us`,
  );
  console.log(`  call of one that stood still     ${thawedMs.toFixed(2)} ms`);
}
await rig.close();

function told(values: number[]): string {
  const sorted = values.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(2);
  return `least ${at(0)} ms, median ${at(0.5)} ms, p90 ${at(0.9)} ms`;
}
