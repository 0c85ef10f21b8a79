import { createHash } from "node:crypto";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createGzip, gzipSync } from "node:zlib";
import { pipeline } from "node:stream/promises";
import { PassThrough, Readable } from "node:stream";
import type { Host } from "#/base/host.ts";
import { runtimeFiles, runtimePath } from "#/drivers/functions/programs.ts";
import { tarEnd, tarHeader, tarPadding } from "#/base/tar.ts";
import type { AgentFiles } from "#/sites/parts.ts";

const extension = extname(import.meta.url);
const fileOf = (name: string) => fileURLToPath(new URL(`./${name}${extension}`, import.meta.url));

/**
 * What a computer that has nothing of Canopy needs to run an agent, made once in `folder`: the agent and
 * its runner bundled into a few files, and the Node that runs this program.
 */
export function agentFiles(
  { files, processes }: Pick<Host, "files" | "processes">,
  folder: string,
): () => Promise<AgentFiles> {
  let made: Promise<AgentFiles> | undefined;
  const make = async (): Promise<AgentFiles> => {
    const beside = [...(await librariesOf(files)), ...(await runtimesOf(files))];
    const bundle = await bundleAgent(beside);
    const digest = createHash("sha256").update(bundle).digest("hex").slice(0, 16);
    const agentPath = join(folder, `agent-${digest}.tar.gz`);
    if (!(await files.stat(agentPath))) await files.write(agentPath, gzipSync(bundle));
    const { os, arch } = processes.facts();
    const { version } = process;
    const nodePath = join(folder, `node-${version}-${os}-${arch}.gz`);
    if (!(await files.stat(nodePath))) {
      const gzip = createGzip({ level: 1 });
      const packed = gzip.pipe(new PassThrough());
      const reading = pipeline(Readable.from(files.stream(processes.nodePath)), gzip);
      await Promise.all([reading, files.writeStream(nodePath, packed)]);
    }
    return { digest, agentPath, nodePath, nodeVersion: version, os, arch };
  };
  return () =>
    (made ??= make().catch((thrown: unknown) => {
      made = undefined;
      throw thrown;
    }));
}

/** Libraries that this Node uses and that a small system may not have: the C library is nowhere missing. */
const librariesApart = /^libatomic\.so/;

interface NamedFile {
  name: string;
  bytes: Uint8Array;
}

async function librariesOf(files: Host["files"]): Promise<NamedFile[]> {
  const maps = Buffer.from((await files.read("/proc/self/maps")) ?? "").toString();
  const paths = new Set(maps.match(/\/\S+$/gm));
  const found: NamedFile[] = [];
  for (const path of paths) {
    if (!librariesApart.test(basename(path))) continue;
    const bytes = await files.read(path);
    // Asked for by the name without the later numbers: libatomic.so.1.2.0 as libatomic.so.1
    const name = basename(path).replace(/(\.so\.\d+).*$/, "$1");
    if (bytes) found.push({ name: `lib/${name}`, bytes });
  }
  return found;
}

/** What runs inside sandboxes goes along as it is. */
async function runtimesOf(files: Host["files"]): Promise<NamedFile[]> {
  return Promise.all(
    runtimeFiles.map(async (name) => {
      const bytes = await files.read(runtimePath(name));
      return { name: `runtimes/${name}`, bytes: bytes ?? new Uint8Array() };
    }),
  );
}

/** A tar of agent.js and what it loads, with files that are to be beside it. */
async function bundleAgent(beside: readonly NamedFile[]): Promise<Uint8Array> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: { agent: fileOf("agent-main"), child: fileOf("drivers/runner/child") },
    bundle: true,
    splitting: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node26",
    outdir: "/agent",
    chunkNames: "[name]-[hash]",
    banner: {
      js: 'import { createRequire as canopyRequire } from "node:module"; globalThis.require ??= canopyRequire(import.meta.url);',
    },
    logLevel: "silent",
  });
  const content = (text: string) => Buffer.from(text);
  const all: NamedFile[] = [
    ...beside,
    { name: "package.json", bytes: content('{ "type": "module" }\n') },
    ...outputFiles.map(({ path, contents }) => ({
      name: path.slice("/agent/".length),
      bytes: contents,
    })),
  ];
  const parts = all.flatMap(({ name, bytes }) => [
    tarHeader({ name, sizeBytes: bytes.length, modifiedMs: 0 }),
    bytes,
    tarPadding(bytes.length),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}
