import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { CanopyError } from "#/base/errors.ts";
import { jobRequest } from "./job-request.ts";
import { isWfCommons, parseWfCommons } from "./wfcommons.ts";

const specification = {
  tasks: [
    {
      name: "cut_ID1",
      id: "cut_ID1",
      parents: [],
      children: ["sew_ID2"],
      inputFiles: ["/in/cloth"],
      outputFiles: ["a/piece", "note"],
    },
    {
      name: "sew_ID2",
      id: "sew_ID2",
      parents: [],
      children: [],
      inputFiles: ["a/piece", "thread"],
      outputFiles: ["a"],
    },
    {
      name: "sew_ID3",
      id: "sew_ID3",
      parents: ["cut_ID1"],
      children: [],
      inputFiles: ["note", "note"],
      outputFiles: [],
    },
  ],
  files: [
    { id: "/in/cloth", sizeInBytes: 1000 },
    { id: "a/piece", sizeInBytes: 500 },
    { id: "a", sizeInBytes: 40 },
  ],
};
const execution = {
  makespanInSeconds: 12.5,
  tasks: [
    { id: "cut_ID1", runtimeInSeconds: 4, command: { program: "/usr/bin/cut" } },
    { id: "sew_ID2", runtimeInSeconds: 6 },
    { id: "sew_ID3", runtimeInSeconds: 2 },
  ],
  machines: [{ nodeName: "m", cpu: { coreCount: 2 } }],
};
const text = JSON.stringify({
  name: "coat",
  schemaVersion: "1.5",
  workflow: { specification, execution },
});

/** The same workflow as 1.3 wrote it. */
const old = JSON.stringify({
  name: "coat",
  schemaVersion: "1.3",
  workflow: {
    makespan: 12.5,
    machines: [{ nodeName: "m", cpu: { count: 2 } }],
    tasks: specification.tasks.map((task, index) => ({
      name: task.name,
      runtime: execution.tasks[index]!.runtimeInSeconds,
      command: execution.tasks[index]!.command,
      parents: index === 0 ? [] : ["cut_ID1"],
      files: [
        ...task.inputFiles.map((id) => ["input", id]),
        ...task.outputFiles.map((id) => ["output", id]),
      ].map(([link, id]) => ({
        link,
        name: id,
        size: specification.files.find((file) => file.id === id)?.sizeInBytes,
      })),
    })),
  },
});

function parse(content: string, options?: Parameters<typeof parseWfCommons>[2]) {
  const { request, uploads, recorded } = parseWfCommons(content, "coat.json", options);
  uploads.forEach(({ slots }, index) =>
    slots.forEach((slot) => (slot.blob = String(index).padStart(64, "0"))),
  );
  return { request: jobRequest.parse(request), uploads, recorded };
}

test("parseWfCommons() makes a step of each task, after the same others, with scaled times and sizes", () => {
  const { request, uploads, recorded } = parse(text, { timeScale: 0.1, sizeScale: 0.5 });
  const [cut, sew, sew3] = request.steps;
  assert.deepEqual(
    request.steps.map(({ title }) => title),
    ["cut", "sew", "sew"],
  );
  assert.deepEqual([cut!.after, sew!.after, sew3!.after], [[], ["cut_ID1"], ["cut_ID1"]]);
  assert.deepEqual(cut!.source, {
    type: "inputs",
    inputs: [{ task: "cut_ID1", program: "cut", cpuMs: 400, writes: { a_piece: 250, note: 0 } }],
  });
  assert.deepEqual(sew!.inputs.slice(1), [
    { path: "a_piece", from: { step: "cut_ID1", output: "a_piece" } },
    { path: "thread", from: { blob: "2".padStart(64, "0") } },
  ]);
  assert.deepEqual(
    uploads.map((upload) =>
      upload.from === "made" ? [upload.name, upload.sizeBytes] : existsSync(upload.path),
    ),
    [true, ["/in/cloth", 500], ["thread", 0]],
  );
  assert.deepEqual(recorded, {
    name: "coat",
    makespanMs: 12_500,
    workMs: 12_000,
    tasks: 3,
    machines: [{ name: "m", cpus: 2 }],
  });
});

test("parseWfCommons() reads the older shape to the same", () => {
  assert.deepEqual(parse(old), parse(text));
});

test("parseWfCommons() runs a command of the user's instead", () => {
  const { request, uploads } = parse(text, { command: ["mywork", "{cpuMs}", "{reads}"] });
  assert.deepEqual((request.steps[1]!.run as { command: string[] }).command, [
    "mywork",
    "{cpuMs}",
    "{reads}",
  ]);
  const { source } = request.steps[1]!;
  assert.deepEqual(source.type === "inputs" && (source.inputs[0] as { reads: string[] }).reads, [
    "a_piece",
    "thread",
  ]);
  assert.ok(uploads.every(({ from }) => from === "made"));
});

test("parseWfCommons() takes files that are changed in place, or written by two", () => {
  const tasks = [
    { name: "w", id: "w", parents: [], children: [], inputFiles: ["f"], outputFiles: ["f"] },
    { name: "x", id: "x", parents: ["w"], children: [], inputFiles: ["f"], outputFiles: ["f"] },
    { name: "y", id: "y", parents: ["x"], children: [], inputFiles: ["f"], outputFiles: [] },
  ];
  const { request } = parse(
    JSON.stringify({ name: "n", schemaVersion: "1.5", workflow: { specification: { tasks } } }),
  );
  const from = request.steps.map(({ inputs }) => inputs[1]!.from);
  assert.ok("blob" in from[0]!);
  assert.deepEqual(from.slice(1), [
    { step: "w", output: "f" },
    { step: "x", output: "f" },
  ]);
});

test("parseWfCommons() makes paths and names that are allowed and differ, of any ids", () => {
  const ids = fc.uniqueArray(fc.stringMatching(/^[0-9a-zA-Z_.#:/-]{1,30}$/), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(ids, ids, (tasks, files) => {
      const workflow = {
        specification: {
          tasks: tasks.map((id) => ({
            name: id,
            id,
            parents: [],
            children: [],
            inputFiles: files,
            outputFiles: [],
          })),
        },
      };
      const { request } = parse(JSON.stringify({ name: "n", schemaVersion: "1.5", workflow }));
      assert.equal(new Set(request.steps.map(({ name }) => name)).size, tasks.length);
      assert.equal(
        new Set(request.steps[0]!.inputs.map(({ path }) => path)).size,
        files.length + 1,
      );
    }),
  );
});

test("parseWfCommons() points at what is wrong", () => {
  const faulty: [content: string, message: RegExp, line: number][] = [
    [text.slice(0, 100), /must be JSON/, 1],
    [
      `{"name": "x",\n"workflow": {"specification": {"tasks": [\n{"name": 3, "id": "a"}]}}}`,
      /tasks\.0\.name/,
      3,
    ],
    [
      text.replace('"parents":["cut_ID1"]', '"parents":["cat_ID1"]'),
      /after 'cat_ID1' as there is no such task/,
      1,
    ],
    [
      text.replace('"parents":[]', '"parents":["sew_ID2"]'),
      /circle: (cut_ID1 → sew_ID2 → cut_ID1|sew_ID2 → cut_ID1 → sew_ID2)/,
      1,
    ],
  ];
  for (const [content, message, line] of faulty) {
    assert.throws(
      () => parseWfCommons(content, "coat.json"),
      (thrown: CanopyError) => {
        assert.match(thrown.message, message);
        assert.deepEqual(
          [thrown.code, thrown.place!.file, thrown.place!.line],
          ["invalid", "coat.json", line],
        );
        assert.ok(thrown.hint);
        return true;
      },
    );
  }
});

test("isWfCommons() tells a recorded workflow from other files", () => {
  assert.equal(isWfCommons(text), true);
  assert.equal(isWfCommons('{"steps": []}'), false);
  assert.equal(isWfCommons("steps:\n- name: a"), false);
});
