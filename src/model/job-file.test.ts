import assert from "node:assert/strict";
import { test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { parseJobFile } from "./job-file.ts";
import { jobRequest } from "./job-request.ts";

const whole = `
title: Thumbnails
priority: 10
steps:
  - name: shrink
    title: shrinking
    run: [convert, "{file}", -resize, "{width}", 3]
    each: &all
      file: [a.png, b.png]
      width: {from: 100, to: 300, by: 100}
    needs: {cpus: 2, memory: 512MiB, labels: {disk: fast}}
    timeout: 1h30m
    retries: 3
    retryWait: 1s
    env: {LANG: C}
    stdin: true
    inputs: [pics/a.png, {path: bin/tool, from: tools/tool, executable: true}, {path: again, from: pics/a.png}]
    outputs: [small.png, {path: notes.txt, optional: true}]
    reuse: true
  - name: pack
    after: shrink
    each: *all
    run: tar cf all.tar *.png
    inputs: [{path: small.png, from: {step: shrink}}]
  - name: words
    run: echo {}
    each: {lines: words.txt}
    onFailure: continue
`;

test("parseJobFile() gives the request that the file describes", () => {
  const { request, uploads } = parseJobFile(whole, "pics/thumbnails.yaml");
  for (const upload of uploads) for (const slot of upload.slots) slot.blob = "a".repeat(64);
  const [shrink, pack, words] = jobRequest.parse(request).steps;
  assert.deepEqual(shrink!.run, {
    driver: "process",
    command: ["convert", "{file}", "-resize", "{width}", "3"],
    env: { LANG: "C" },
    stdin: true,
  });
  assert.deepEqual(shrink!.needs, { cpus: 2, memoryBytes: 2 ** 29, labels: { disk: "fast" } });
  assert.deepEqual(
    [shrink!.timeoutMs, shrink!.retries, shrink!.retryMs, shrink!.reuse],
    [5_400_000, 3, 1000, true],
  );
  assert.deepEqual(
    shrink!.inputs.map(({ path }) => path),
    ["a.png", "bin/tool", "again"],
  );
  assert.equal(shrink!.source.type, "grid");
  assert.deepEqual(pack!.run, {
    driver: "process",
    command: ["/bin/sh", "-c", "tar cf all.tar *.png"],
    env: {},
    stdin: false,
  });
  assert.deepEqual(pack!.inputs, [
    { path: "small.png", from: { step: "shrink", output: "small.png" } },
  ]);
  assert.deepEqual(words!.source, { type: "lines", blob: "a".repeat(64) });
  assert.deepEqual(
    uploads.map((upload) => upload.from === "file" && upload.path),
    ["pics/a.png", "tools/tool", "words.txt"],
  );
  assert.equal(
    parseJobFile("steps: [{name: a, run: b}]", "dir/my job.yaml").request.title,
    "my job",
  );
});

/** Each with its place, its message and its hint. */
const wrong: [text: string, place: string, message: RegExp, hint: RegExp][] = [
  ["steps:\n  - name: a\n    run: [x\n", "4:1", /must be YAML/, /quotes/],
  ["steps:\n  - name: a\n    name: b\n", "3:5", /must be YAML: Map keys must be unique/, /./],
  [
    "steps:\n  - name: a\n    rum: echo\n",
    "3:5",
    /^Cannot use 'rum' in step 1 as there is no such key$/,
    /Did you mean 'run'/,
  ],
  [
    "steps:\n  - name: a\n    run: 3\n",
    "3:10",
    /'run' of step 1 as it is a number/,
    /\[echo, "\{\}"\]/,
  ],
  ["steps:\n  - run: echo\n", "2:5", /without 'name' in step 1: it is missing/, /Add a name/],
  ["title: x\n", "1:1", /without 'steps' in the job file/, /Write a list/],
  ["", "1:1", /the job file/, /A job file is/],
  [
    "steps:\n  - name: a\n    run: echo\n    timeout: 10 minutes\n",
    "4:14",
    /duration '10 minutes'/,
    /90s, 10m/,
  ],
  [
    "steps:\n  - name: a\n    run: echo\n    needs: {memory: lots}\n",
    "4:21",
    /size 'lots'/,
    /512MiB/,
  ],
  ["steps:\n  - name: a\n    run: echo\n    needs: {memry: 5MiB}\n", "4:13", /'memry'/, /'memory'/],
  [
    "steps:\n  - name: a\n    run: x\n    after: b\n  - name: b\n    run: x\n    after: [a]\n",
    "7:12",
    /in a circle: b → a → b/,
    /no longer come after/,
  ],
  [
    "steps:\n  - name: shrink\n    run: x\n  - name: b\n    run: x\n    after: [shrnk]\n",
    "6:13",
    /after 'shrnk'/,
    /Did you mean 'shrink'/,
  ],
  [
    "steps:\n  - name: a\n    run: x\n    each: {x: {from: 3, to: 1}}\n",
    "4:15",
    /must go up/,
    /range/,
  ],
  [
    "steps:\n  - name: a\n    run: x\n    inputs: [{path: ../x, from: y}]\n",
    "4:21",
    /inside the task's folder/,
    /path/,
  ],
  [
    "steps:\n  - name: a\n    run: x\n    inputs: [{path: x, from: {stp: y}}]\n",
    "4:31",
    /'stp'/,
    /'step'/,
  ],
  [
    "steps:\n  - name: a\n    run: x\n    outputs: [o.txt]\n  - name: b\n    run: x\n    inputs: [{path: x, from: {step: a, output: p.txt}}]\n",
    "7:48",
    /'a' must declare it: it declares 'o.txt'/,
    /Did you mean 'o.txt'/,
  ],
  ["steps:\n  - name: a\n    run: x\n    retries: -1\n", "4:14", /'retries' of step 1/, /0 to 100/],
  [
    "steps:\n  - name: a\n    run: x\n  - name: a\n    run: x\n",
    "4:11",
    /names must differ/,
    /another name/,
  ],
  ["steps:\n  - name: a\n    run: x\n    each: 5\n", "4:11", /as it is a number/, /Give a list/],
  ["- 1\n", "1:1", /expected object/, /./],
  [
    "steps:\n  - name: a\n    run: x\n    each: [1, 2]\n    gang: {minimum: 3}\n",
    "5:21",
    /minimum must be at most the number of its tasks \(2\): it is 3/,
    /Make it smaller/,
  ],
];

for (const [text, place, message, hint] of wrong) {
  test(`parseJobFile() refuses ${JSON.stringify(text.slice(-50))} at ${place}`, () => {
    assert.throws(
      () => parseJobFile(text, "job.yaml"),
      (thrown: CanopyError) => {
        assert.ok(thrown instanceof CanopyError, String(thrown));
        assert.equal(thrown.code, "invalid");
        assert.deepEqual(
          [`${thrown.place!.line}:${thrown.place!.column}`, thrown.place!.file],
          [place, "job.yaml"],
        );
        assert.match(thrown.message, message);
        assert.match(thrown.hint!, hint);
        return true;
      },
    );
  });
}

test("parseJobFile() names further faults behind the first", () => {
  const text = "steps:\n  - name: a\n    run: x\n    retries: -1\n    cpus: 3\n";
  assert.throws(() => parseJobFile(text, "job.yaml"), /^CanopyError: Cannot use 'cpus'/);
  const two = "steps:\n  - name: a\n    run: x\n    timeout: soon\n    retryWait: later\n";
  assert.throws(
    () => parseJobFile(two, "job.yaml"),
    /'soon'\njob.yaml:5:16: Cannot read the duration 'later'/,
  );
});

test("parseJobFile() refuses aliases of nothing, and of too much, with their place", () => {
  const fault = (text: string) => {
    try {
      parseJobFile(text, "job.yaml");
    } catch (thrown) {
      assert.ok(thrown instanceof CanopyError, String(thrown));
      return thrown;
    }
    return assert.fail("was not refused");
  };
  const unknown = fault("steps:\n  - name: a\n    run: *b\n");
  assert.equal(unknown.code, "invalid");
  assert.deepEqual(unknown.place, { file: "job.yaml", line: 3, column: 10 });
  const ten = (name: string) => `[${Array(10).fill(name).join(", ")}]`;
  const bomb = fault(
    `a: &a ${ten("x")}\nb: &b ${ten("*a")}\nc: &c ${ten("*b")}\nd: ${ten("*c")}\n`,
  );
  assert.equal(bomb.code, "invalid");
  assert.equal(bomb.place?.file, "job.yaml");
});
