#!/usr/bin/env node
// Stands in for a task of a recorded workflow: reads every file it was given, works for so many
// milliseconds of CPU time, its own start included, and writes files of the sizes that were recorded.
// What to do comes as JSON on standard input: {"cpuMs": 120, "writes": {"out.dat": 4096}}.
// It is plain JavaScript without dependencies, so that any Node from 18 up runs it anywhere.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const { cpuMs = 0, writes = {} } = JSON.parse(await textOf(process.stdin));

const digest = createHash("sha256");
let readBytes = 0;
for (const path of await filesIn(".")) {
  for await (const piece of createReadStream(path)) {
    readBytes += piece.length;
    digest.update(piece);
  }
}

// What it computes is a chain of hashes over all that was read: no step of it can be skipped.
let state = digest.digest();
let rounds = 0;
while (spentMs() < cpuMs) {
  for (let round = 0; round < 200; round++) state = createHash("sha256").update(state).digest();
  rounds += 200;
}

let writtenBytes = 0;
for (const [path, bytes] of Object.entries(writes)) {
  await write(path, bytes);
  writtenBytes += bytes;
}
console.log(JSON.stringify({ readBytes, writtenBytes, rounds, cpuMs: Math.round(spentMs()) }));

function spentMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function filesIn(folder) {
  const own = basename(fileURLToPath(import.meta.url));
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesIn(path)));
    else if (entry.isFile() && path !== own) found.push(path);
  }
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/** Bytes that follow from what was read and from the path: files of equal size are not equal files. */
async function write(path, bytes) {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "w");
  let block = createHash("sha512").update(state).update(path).digest();
  for (let left = bytes; left > 0;) {
    const piece = Buffer.alloc(Math.min(left, 64 * 1024));
    for (let offset = 0; offset < piece.length; offset += block.length) block.copy(piece, offset);
    await file.write(piece);
    left -= piece.length;
    block = createHash("sha512").update(block).digest();
  }
  await file.close();
}

async function textOf(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces.length > 0 ? Buffer.concat(pieces).toString() : "{}";
}
