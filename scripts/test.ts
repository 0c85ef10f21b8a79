// Everything that must hold: types, lint, format, unused code, then all tests.
//
//   npm test                     all of it
//   npm test -- src/space e2e    only the tests whose paths hold one of these texts
//   npm run check                only the checks
//
// With CI=true a skipped test is a failure: there, what a test needs has to be installed.
import { spawn } from "node:child_process";
import { glob } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const root = join(import.meta.dirname, "..");
const bin = (name: string, ...args: string[]) => [join(root, "node_modules", name), ...args];

const checks = {
  types: bin("typescript/bin/tsc", "--noEmit"),
  lint: bin("oxlint/bin/oxlint"),
  format: bin("oxfmt/bin/oxfmt", "--check"),
  "unused code": bin("knip/bin/knip.js", "--no-progress"),
};

/** More than there are processors: a test of whole programs waits for half of its time. */
const filesAtOnce = Math.ceil(availableParallelism() * 1.5);

interface Outcome {
  passed: boolean;
  summary: string;
}

// Each test file is a process of its own, and most load the same modules.
process.env["NODE_COMPILE_CACHE"] ??= join(root, "node_modules", ".cache", "compiled");

const args = process.argv.slice(2);
const only = args.filter((arg) => !arg.startsWith("--"));
const outcomes: Outcome[] = [];
if (only.length === 0) outcomes.push(...(await runChecks()));
if (!args.includes("--checks")) outcomes.push(await runTests(await testFiles(only)));

console.log();
for (const { summary } of outcomes) console.log(summary);
process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;

async function runChecks(): Promise<Outcome[]> {
  const waiting = Object.entries(checks);
  const done: Outcome[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      done.push(await runCheck(...next));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return done;
}

async function runCheck(name: string, command: string[]): Promise<Outcome> {
  const startMs = performance.now();
  const child = spawn(process.execPath, command, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const code = await new Promise((resolve) => child.once("close", resolve));
  const passed = code === 0;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const summary = `${passed ? "✔" : "✖"} ${name} (${seconds} s)`;
  console.log(passed ? summary : `${summary}\n${output.trimEnd()}\n`);
  return { passed, summary };
}

async function testFiles(holding: string[]): Promise<string[]> {
  const files = await Array.fromAsync(
    glob("{src,e2e,examples,bench,scripts,chaos,sim}/**/*.test.{ts,tsx}", { cwd: root }),
  );
  const own = files.filter(
    (file) => !file.includes("node_modules") && !file.startsWith("bench/peers/"),
  );
  const chosen = own.filter(
    (file) => holding.length === 0 || holding.some((text) => file.includes(text)),
  );
  // The long ones first, so that no processor waits at the end.
  return chosen
    .toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((file) => join(root, file));
}

function rank(file: string): number {
  if (/^(sim\/sim|chaos\/chaos|e2e\/crash-points\/crash-points|src\/sites\/ssh)\.test/.test(file))
    return 0;
  if (/^(e2e|chaos|sim)\//.test(file)) return 1;
  return /^(examples|src\/sites|src\/drivers)\//.test(file) ? 2 : 3;
}

async function runTests(files: string[]): Promise<Outcome> {
  if (files.length === 0) return { passed: false, summary: "✖ tests: there are none of that name" };
  const startMs = performance.now();
  let counts = { tests: 0, passed: 0, failed: 0, skipped: 0, todo: 0, cancelled: 0 };
  let succeeded = false;
  const stream = run({ files, cwd: root, concurrency: filesAtOnce, timeout: 600_000 });
  const skipped: string[] = [];
  stream.on("test:pass", ({ name, skip }) => {
    if (skip !== undefined && skip !== false)
      skipped.push(typeof skip === "string" ? `${name}: ${skip}` : name);
  });
  stream.on("test:summary", (summary) => {
    if (summary.file !== undefined) return;
    succeeded = summary.success;
    counts = { ...counts, ...summary.counts };
  });
  await new Promise<void>((resolve, reject) => {
    const report = stream.compose(spec());
    report.on("error", reject).on("end", resolve);
    report.pipe(process.stdout, { end: false });
  });
  const { tests, passed, failed, cancelled } = counts;
  for (const line of skipped) console.log(`skipped: ${line}`);
  const refused = process.env["CI"] === "true" && counts.skipped > 0;
  if (refused) console.log("Cannot pass as nothing may be skipped when CI=true");
  const good = succeeded && failed === 0 && cancelled === 0 && passed > 0 && !refused;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const summary =
    `${good ? "✔" : "✖"} tests (${seconds} s)\nℹ tests ${tests}\nℹ pass ${passed}\nℹ fail ${failed + cancelled}\n` +
    `ℹ skipped ${counts.skipped}`;
  return { passed: good, summary };
}
