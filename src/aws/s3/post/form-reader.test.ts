import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AwsError } from "#/model/aws-error.ts";
import { readForm } from "./form-reader.ts";

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(file: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of file) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

function formOf(fields: Record<string, string>, file: Uint8Array, boundary: string): Buffer {
  const head = Object.entries(fields)
    .map(
      ([name, value]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    .join("");
  return Buffer.concat([
    Buffer.from(
      `${head}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a \\"b\\".txt"\r\nContent-Type: text/plain\r\n\r\n`,
    ),
    file,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
}

test("readForm() gives back fields and file, however the form is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ maxLength: 20 }),
      fc.integer({ min: 1, max: 60 }),
      async (file, value, size) => {
        const safe = value.replaceAll(/[\r\n]/g, "");
        const form = formOf({ Key: "k", tag: safe }, file, "----b0");
        const type = 'multipart/form-data; boundary="----b0"';
        const read = await readForm(type, inPieces(form, size));
        assert.deepEqual(
          [...read.fields],
          [
            ["key", "k"],
            ["tag", safe],
          ],
        );
        assert.equal(read.fileName, 'a "b".txt');
        assert.equal(read.fileType, "text/plain");
        assert.deepEqual(await readAll(read.file), Buffer.from(file));
      },
    ),
    { numRuns: 200 },
  );
});

test("readForm() keeps the path that a browser tells of its file", async () => {
  const form = Buffer.from(
    '--b\r\nContent-Disposition: form-data; name="file"; filename="C:\\a dir\\new.txt"\r\n\r\nx\r\n--b--\r\n',
  );
  const { fileName } = await readForm("multipart/form-data; boundary=b", inPieces(form, 7));
  assert.equal(fileName, "C:\\a dir\\new.txt");
});

test("readForm() keeps what only looks like the boundary", async () => {
  const file = Buffer.from("a\r\n--x\r\n--b\r\n-\r\r\n--");
  const read = await readForm(
    "multipart/form-data; boundary=bb",
    inPieces(formOf({}, file, "bb"), 3),
  );
  assert.deepEqual(await readAll(read.file), file);
});

test("readForm() refuses a form without a file, without an end, without sense, and one that is too long", async () => {
  const code = (expected: string) => (thrown: AwsError) => thrown.awsCode === expected;
  const type = "multipart/form-data; boundary=b";
  const read = (text: string) => readForm(type, inPieces(Buffer.from(text), 7));
  await assert.rejects(read("--b--\r\n"), code("InvalidArgument"));
  await assert.rejects(read("--b\r\nContent-Disposition: form-data"), code("IncompleteBody"));
  await assert.rejects(read("--b\r\nX: y\r\n\r\nz\r\n--b--"), code("MalformedPOSTRequest"));
  await assert.rejects(
    readForm("multipart/form-data", inPieces(Buffer.from(""), 1)),
    code("MalformedPOSTRequest"),
  );
  const long = formOf({ key: "x".repeat(100_000) }, Buffer.from("a"), "b");
  await assert.rejects(readForm(type, inPieces(long, 1000)), code("MaxPostPreDataLengthExceeded"));
  const cut = await read(
    '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhalf',
  );
  await assert.rejects(readAll(cut.file), code("IncompleteBody"));
});
