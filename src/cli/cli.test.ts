import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { startAgent, type TestAgent } from "#/api/testing/agent.ts";
import { startWorld, type World } from "#/api/testing/world.ts";
import { canopy, type TestOptions } from "./testing/terminal.ts";

let world: World;
let agent: TestAgent;
let env: Record<string, string>;
const folder = mkdtempSync(join(tmpdir(), "canopy-cli-"));
const on = (options: TestOptions = {}): TestOptions => ({ env, folder, ...options });

before(async () => {
  world = await startWorld();
  const url = await world.listen();
  env = { CANOPY_URL: url, CANOPY_KEY: world.root, XDG_CONFIG_HOME: folder };
  agent = await startAgent(world, url, { cpus: 4 });
  // Its computer has more memory than it gives.
  agent.send({ type: "beat", cpuShare: 0.5, memoryFreeBytes: 2 ** 50, running: [] });
  // A machine on which "false" fails, and everything else succeeds after a word.
  agent.work((task) => {
    const name = task.task;
    agent.send({
      type: "logs",
      lines: [
        {
          task: name,
          at: 1_900_000_000_000,
          stream: "stdout",
          text: `hi from ${name.split("/").slice(1).join("/")}`,
        },
      ],
    });
    return failing.has(name.split("/")[0]!)
      ? { error: { reason: "exited", message: "exited with 3", exitCode: 3 }, exitCode: 3 }
      : { result: "null", exitCode: 0 };
  });
});
const failing = new Set<string>();
after(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

test("--version and --help answer at once; a wrong word is met with the right one and exit code 2", async () => {
  assert.deepEqual(await canopy(["--version"]), { code: 0, stdout: "canopy 1.2.3\n", stderr: "" });
  const help = await canopy(["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /run .*Run a program/);
  const typo = await canopy(["rnu"]);
  assert.equal(typo.code, 2);
  assert.match(typo.stderr, /unknown command 'rnu'[\s\S]*Did you mean run\?/);
  const flag = await canopy(["ps", "--limt", "3"]);
  assert.equal(flag.code, 2);
  assert.match(flag.stderr, /--limit/);
});

test("a cloud that is not there, or not named, is told with what to do and exit codes 7 and 2", async () => {
  const nowhere = await canopy(["ps"], { env: { CANOPY_URL: "http://127.0.0.1:9" }, folder });
  assert.equal(nowhere.code, 7);
  assert.match(
    nowhere.stderr,
    /Cannot reach http:\/\/127\.0\.0\.1:9, which CANOPY_URL names[\s\S]*canopy up/,
  );
  const unnamed = await canopy(["ps"], { env: { XDG_CONFIG_HOME: join(folder, "none") }, folder });
  assert.equal(unnamed.code, 2);
  const refused = await canopy(["ps"], on({ env: { ...env, CANOPY_KEY: "wrong" } }));
  assert.equal(refused.code, 4);
  const asJson = await canopy(["show", "jnone", "--json"], on());
  assert.equal(asJson.code, 3);
  assert.equal((JSON.parse(asJson.stderr) as { error: { code: string } }).error.code, "not-found");
});

test("run follows a program to its end: its output is data, the rest is told beside it", async () => {
  const ran = await canopy(["run", "--", "echo", "hi"], on());
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(ran.stdout, "hi from 0/0\n");
  assert.match(ran.stderr, /✓ echo j\w+ succeeded in .* · 1 task ·/);
  const asJson = await canopy(
    ["run", "--json=id,phase,exitCode", "--progress=quiet", "--", "echo", "hi"],
    on(),
  );
  const { id, ...rest } = JSON.parse(asJson.stdout) as { id: string };
  assert.deepEqual(rest, { phase: "succeeded", exitCode: 0 });
  const listed = await canopy(["ps", "--json=id,title"], on());
  assert.ok(
    (JSON.parse(listed.stdout) as { id: string; title: string }[]).some(
      (job) => job.id === id && job.title === "echo",
    ),
  );
});

test("run exits with the job's own code, and says what to do next", async () => {
  const detached = await canopy(
    ["run", "-d", "--retries", "0", "--each", "-", "--", "wc", "{}"],
    on({ input: "" }),
  );
  assert.match(detached.stdout, /^j\w{12}\n$/);
  const names = (await canopy(["machines", "--json=name"], on())).stdout;
  await canopy(["machines", "cordon", (JSON.parse(names) as { name: string }[])[0]!.name], on());
  const id = (await canopy(["run", "-d", "--retries", "0", "--", "false"], on())).stdout.trim();
  const waits = await canopy(["why", id], on());
  assert.match(waits.stdout, /running\n• .*cordon/);
  failing.add(id);
  await canopy(["machines", "uncordon", (JSON.parse(names) as { name: string }[])[0]!.name], on());
  const followed = await canopy(["follow", id, "--progress", "plain"], on());
  assert.equal(followed.code, 3, followed.stderr);
  assert.match(followed.stderr, /✗ false j\w+ failed[\s\S]*exited with 3[\s\S]*canopy why/);
  const why = await canopy(["why", id], on());
  assert.match(why.stdout, /failed/);
  const quiet = await canopy(["follow", id, "--progress=quiet"], on());
  assert.deepEqual([quiet.code, quiet.stdout.trim()], [3, "hi from 0/0"]);
  assert.match(quiet.stderr, /exited with 3/);
  failing.delete(id);
  const retried = await canopy(["retry", id, "--progress=quiet"], on());
  assert.equal(retried.code, 0, retried.stderr);
});

test("run unfolds lines and sweeps, and logs prints what each task said", async () => {
  writeFileSync(join(folder, "words.txt"), "a\nb\nc\n");
  const lines = await canopy(
    ["run", "--each", "words.txt", "--json=tasks.succeeded,id", "--", "echo", "{}"],
    on(),
  );
  const { id } = JSON.parse(lines.stdout) as { id: string };
  assert.match(lines.stdout, /"tasks\.succeeded":3/);
  const logs = await canopy(["logs", id, "--names"], on());
  assert.deepEqual(
    logs.stdout.trim().split("\n").sort(),
    [0, 1, 2].map((index) => `${id}/0/${index} hi from 0/${index}`),
  );
  const one = await canopy(["logs", `${id}/0/1`, "--json=text"], on());
  assert.equal(one.stdout, '{"text":"hi from 0/1"}\n');
  const sweep = await canopy(
    [
      "run",
      "--sweep",
      "n=1..3",
      "--sweep",
      "m=a,b",
      "--json=tasks.succeeded",
      "--",
      "echo",
      "{n}",
      "{m}",
    ],
    on(),
  );
  assert.equal(sweep.stdout, '{"tasks.succeeded":6}\n');
  const tasks = await canopy(["tasks", id, "--phase", "succeeded"], on());
  assert.equal(tasks.stdout.trim().split("\n").length, 3);
  const wrong = await canopy(["run", "--sweep", "n", "--", "echo"], on());
  assert.equal(wrong.code, 2);
});

test("run tells at once what cannot run: nothing, no such file, no such field, too much", async () => {
  for (const [argv, code, pattern] of [
    [["run"], 2, /nothing to run was named/],
    [["run", "echo", "hi"], 2, /canopy run -- echo hi/],
    [["run", "absent.ts"], 3, /no such file/],
    [["run", "--input", "absent.csv", "--", "cat"], 3, /absent\.csv/],
    [["run", "--cpus", "64", "--", "echo"], 6, /64/],
    [["run", "--memory", "lots", "--", "echo"], 2, /512MiB/],
    [["ps", "--json=titel"], 2, /Did you mean --json=title/],
    [["up", "--port", "99999"], 2, /0 to 65535/],
    [["cancel"], 2, /no job was named/],
  ] as const) {
    const ran = await canopy([...argv], on());
    assert.equal(ran.code, code, `${argv.join(" ")}: ${ran.stderr}`);
    assert.match(ran.stderr, pattern);
  }
});

test("run bundles a module, and tells file, line and column of what does not compile", async () => {
  writeFileSync(
    join(folder, "work.ts"),
    'import { job, task } from "canopy-cloud/sdk";\nexport const one = task((n: string) => n);\nexport const two = task(() => 2);\nexport default job(async () => await one("1"));\n',
  );
  const detached = await canopy(
    ["run", "-d", "--json=title,steps,mainStep", "work.ts", "10"],
    on(),
  );
  assert.equal(detached.stdout, '{"title":"work","steps":1,"mainStep":0}\n', detached.stderr);
  const single = await canopy(["run", "--json=phase", "work.ts:two"], on());
  assert.equal(single.stdout, '{"phase":"succeeded"}\n', single.stderr);
  const near = await canopy(["run", "work.ts:tow"], on());
  assert.equal(near.code, 3);
  assert.match(near.stderr, /Did you mean: canopy run work\.ts:two/);
  writeFileSync(join(folder, "bad.ts"), "export default = 1;\n");
  const bad = await canopy(["run", "bad.ts"], on());
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /bad\.ts:1:16: /);
  writeFileSync(
    join(folder, "throws.ts"),
    "const two: number = 2;\nif (two) throw new Error('no');\nexport default () => 1;\n",
  );
  const throws = await canopy(["run", "throws.ts"], on());
  assert.equal(throws.code, 2);
  assert.match(throws.stderr, /throws\.ts:2:16: .*Error: no/);
  assert.doesNotMatch(throws.stderr, /node:internal|src\/sdk/);
});

test("a person sees a table and colours, a pipe neither", async () => {
  const person = await canopy(["machines"], on({ isTty: true }));
  assert.ok(person.stdout.includes("\u001b["));
  const [titles = "", line = ""] = stripVTControlCharacters(person.stdout).split("\n");
  assert.match(titles, /^MACHINE +STATE +CPUS/);
  assert.equal(titles.indexOf("STATE"), line.indexOf("ready"));
  const pipe = await canopy(["machines"], on());
  assert.ok(!pipe.stdout.includes("\u001b") && !pipe.stdout.includes("MACHINE"));
  assert.match(pipe.stdout, /\tready\t/);
  assert.match(pipe.stdout, /\t(\S+) free of \1\t/);
});

test("Ctrl-C leaves a followed job running and says how to come back", async () => {
  agent.send({ type: "release", tasks: [] });
  const [{ name }] = JSON.parse((await canopy(["machines", "--json=name"], on())).stdout) as [
    { name: string },
  ];
  await canopy(["machines", "cordon", name], on());
  const ran = await canopy(
    ["run", "--", "sleep", "100"],
    on({ onReady: (interrupt) => setTimeout(interrupt, 500) }),
  );
  assert.equal(ran.code, 130);
  const [, id] =
    /(j\w{12}) goes on\. Come back with: canopy follow \1/.exec(ran.stderr) ??
    assert.fail(ran.stderr);
  const ended = await canopy(["cancel", id!, "--reason", "enough"], on());
  assert.match(ended.stderr, /is cancelled/);
  assert.equal((await canopy(["follow", id!, "--progress=quiet"], on())).code, 130);
  await canopy(["machines", "uncordon", name], on());
});

test("keys, projects, join lines and contexts are made, listed and taken away", async () => {
  const made = await canopy(["project", "create", "lab", "--json=name"], on());
  assert.equal(made.stdout, '{"name":"lab"}\n', made.stderr);
  const key = (
    await canopy(["key", "create", "ann", "--role", "viewer", "--project", "lab"], on())
  ).stdout.trim();
  assert.equal((await canopy(["ps"], on({ env: { ...env, CANOPY_KEY: key } }))).code, 0);
  const denied = await canopy(["run", "--", "echo"], on({ env: { ...env, CANOPY_KEY: key } }));
  assert.equal(denied.code, 4, denied.stderr);
  const keys = JSON.parse(
    (await canopy(["key", "--project", "lab", "--json=name,title"], on())).stdout,
  ) as { name: string; title: string }[];
  assert.equal(keys[0]!.title, "ann");
  const asked = await canopy(["key", "remove", keys[0]!.name, "--project", "lab"], on());
  assert.equal(asked.code, 2);
  assert.match(asked.stderr, /--yes/);
  assert.equal(
    (
      await canopy(
        ["key", "remove", keys[0]!.name, "--project", "lab"],
        on({ answer: keys[0]!.name }),
      )
    ).code,
    0,
  );
  assert.match((await canopy(["join"], on())).stdout, /^canopy \w+ .*http.* --token \w+\n$/);

  const own = join(folder, "own");
  const bare = { env: { XDG_CONFIG_HOME: own, CANOPY_KEY: world.root }, folder };
  await canopy(["context", "set", "here", "--url", `${env["CANOPY_URL"]}/`], bare);
  assert.equal(statSync(join(own, "canopy/contexts.json")).mode & 0o777, 0o600);
  assert.match(readFileSync(join(own, "canopy/contexts.json"), "utf8"), /"current": "here"/);
  const status = await canopy(["status", "--json=url"], { env: { XDG_CONFIG_HOME: own }, folder });
  assert.equal(status.stdout, `{"url":"${env["CANOPY_URL"]}"}\n`, status.stderr);
  assert.equal((await canopy(["status", "--context", "hree"], bare)).code, 3);
});

test("project set gives a project a quota and a cohort, and takes them away", async () => {
  await canopy(["project", "create", "bounded"], on());
  const args = ["--quota", "20cpu, 64GiB", "--cohort", "lab", "--borrow", "100cpu"];
  const set = await canopy(["project", "set", "bounded", ...args, "--json"], on());
  const { quota, cohort, borrow } = JSON.parse(set.stdout) as Record<string, unknown>;
  assert.deepEqual(quota, { cpus: 20, memoryBytes: 64 * 2 ** 30 });
  assert.deepEqual([cohort, borrow], ["lab", { cpus: 100 }]);
  const listed = await canopy(["project"], on());
  assert.match(listed.stdout, /bounded\t1\t20cpu, 64GiB\t0cpu, 0B\tlab\t100cpu/);
  const freed = await canopy(
    ["project", "set", "bounded", "--quota", "none", "--cohort", "none", "--borrow", "none"],
    on(),
  );
  assert.match(freed.stdout + freed.stderr, /bounded: weight 1, no quota/);
  for (const wrong of ["20", "20cpu,3cpu", "lots"]) {
    const refused = await canopy(["project", "set", "bounded", "--quota", wrong], on());
    assert.equal(refused.code, 2, wrong);
    assert.match(refused.stderr, /write it like 20cpu, 64GiB/);
  }
  const lone = await canopy(["project", "set", "bounded", "--cohort", "lab"], on());
  assert.equal(lone.code, 2);
  assert.match(lone.stderr, /must have a quota to lend[\s\S]*canopy project set bounded --quota/);
  assert.equal((await canopy(["project", "set", "bounded"], on())).code, 2);
});

test("cost breakeven and cost compare answer without a cloud, in the currency of the prices", async () => {
  const prices = ["--per-hour", "0.272", "--per-gb-second", "0.00001667", "--memory-gb", "7"];
  const breakeven = await canopy(["cost", "breakeven", ...prices, "--json"], { folder });
  assert.deepEqual(JSON.parse(breakeven.stdout), {
    instanceCost: 198.56,
    seconds: 1_701_602,
    minutes: 28_360,
    hours: 472.667,
  });
  const runs = ["--runs", "2500", "--run-time", "1m", "--cpus", "4", "--boot-time", "300s"];
  const compare = ["cost", "compare", ...prices, ...runs, "--billed", "1h"];
  const ways = JSON.parse((await canopy([...compare, "--json"], { folder })).stdout) as {
    kind: string;
    count: number;
    seconds: number;
    best: string[];
  }[];
  assert.deepEqual(ways[0]!.best, ["fastest"]);
  const { kind, count, seconds, best } = ways.at(-1)!;
  assert.deepEqual([kind, count, seconds, best], ["instances", 1, 300 + 625 * 60, ["cheapest"]]);
  const refused = await canopy(["cost", "breakeven", ...prices, "--hours", "0"], { folder });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /--hours.*above 0/);
});

test("cost, show and top tell numbers of a job and of the cloud", async () => {
  const [{ id }] = JSON.parse(
    (await canopy(["ps", "--phase", "succeeded", "--json=id"], on())).stdout,
  ) as [{ id: string }];
  const cost = JSON.parse((await canopy(["cost", id, "--json"], on())).stdout) as {
    currency: string;
  };
  assert.equal(cost.currency, "USD");
  assert.match((await canopy(["cost", id], on({ isTty: true }))).stdout, /USD/);
  assert.match((await canopy(["show", id], on({ isTty: true }))).stdout, /succeeded/);
  const top = JSON.parse((await canopy(["top", "--json"], on())).stdout) as {
    machines: unknown[];
    jobs: unknown[];
  };
  assert.equal(top.machines.length, 1);
  assert.equal((await canopy(["top"], on())).code, 2);
});
