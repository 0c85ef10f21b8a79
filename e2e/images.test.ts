import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { canopyFile, TestCloud } from "./cloud.ts";

interface Image {
  id: string;
  kinds: string[];
  type: string;
  architecture: string;
  disks: { device: string; snapshot: string; sizeBytes: number }[];
  blobs: { key: string; sizeBytes: number }[];
}

const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");
const MiB = 2 ** 20;

describe("images as files", () => {
  const cloud = new TestCloud();
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "canopy-images-"));
    await cloud.up("--no-agent");
  });
  after(async () => {
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const imported = async (...args: string[]): Promise<Image> => {
    const { code, stdout, stderr } = await cloud.canopy("images", "import", "--json", ...args);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Image;
  };
  const refused = async (words: RegExp, ...args: string[]) => {
    const { code, stderr } = await cloud.canopy("images", "import", "--json", ...args);
    assert.notEqual(code, 0);
    assert.match(stderr, words);
  };
  const blob = async (key: string): Promise<Buffer> => {
    const response = await fetch(`${cloud.url}/v1/blobs/${key}`, {
      headers: { authorization: `Bearer ${cloud.key}` },
    });
    assert.equal(response.status, 200);
    return Buffer.from(await response.arrayBuffer());
  };
  const blobs = () =>
    execFileSync("find", [join(cloud.dataFolder, "blobs"), "-type", "f", "-size", "+0"])
      .toString()
      .split("\n")
      .filter((path) => /\/[0-9a-f]{64}$/.test(path));
  const archiveOf = (name: string, layer: Buffer, change?: (layout: string) => void): string => {
    const layout = mkdtempSync(join(folder, "layout-"));
    mkdirSync(join(layout, "blobs", "sha256"), { recursive: true });
    const put = (bytes: Buffer | string) => {
      const digest = sha256(bytes);
      writeFileSync(join(layout, "blobs", "sha256", digest), bytes);
      return { digest: `sha256:${digest}`, size: Buffer.byteLength(bytes) };
    };
    const config = put(
      JSON.stringify({
        architecture: "amd64",
        os: "linux",
        config: { Cmd: ["/hello"], Env: ["A=b"], ExposedPorts: { "80/tcp": {} } },
        rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
      }),
    );
    const manifest = put(
      JSON.stringify({ schemaVersion: 2, config, layers: [put(gzipSync(layer))] }),
    );
    writeFileSync(join(layout, "index.json"), JSON.stringify({ manifests: [manifest] }));
    writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    change?.(layout);
    const path = join(folder, `${name}.tar`);
    execFileSync("tar", ["-C", layout, "-cf", path, "."]);
    return path;
  };
  const layerOf = (...args: string[]): Buffer => {
    const root = mkdtempSync(join(folder, "root-"));
    writeFileSync(join(root, "hello"), "#!/bin/sh\necho hello\n", { mode: 0o755 });
    return execFileSync("tar", ["-C", root, "-cf", "-", ...args, "hello"], { maxBuffer: 8 * MiB });
  };

  test("a disk is imported as chunks, whatever its format, and what was there is not kept again", async () => {
    const disk = join(folder, "disk.qcow2");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", disk, "64M"]);
    execFileSync("qemu-io", ["-c", "write -P 7 9M 1M", "-c", "write -P 8 40M 4M", disk]);
    const image = await imported(disk, "--name", "one");
    assert.deepEqual(image.kinds, ["vm"]);
    assert.equal(image.disks[0]?.sizeBytes, 2 ** 30, "volumes are of whole GiB");
    const before = blobs();
    assert.equal(before.length, 3, "two chunks, and the list of them");
    const list = before.map((path) => readFileSync(path)).find((bytes) => bytes[0] === 0x7b)!;
    const { chunks, sizeBytes } = JSON.parse(list.toString()) as {
      chunks: (string | null)[];
      sizeBytes: number;
    };
    assert.equal(sizeBytes, 64 * MiB);
    const chunk = zstdDecompressSync(await blob(chunks[2]!));
    assert.ok(chunk.subarray(MiB, 2 * MiB).every((byte) => byte === 7));
    for (const format of ["raw", "vmdk", "vdi"]) {
      const other = join(folder, `disk.${format}`);
      execFileSync("qemu-img", ["convert", "-O", format, disk, other]);
      await imported(other, "--name", `of ${format}`);
    }
    assert.deepEqual(blobs().toSorted(), before.toSorted(), "equal disks are kept once");
    await refused(/AMI name one is already in use/, disk, "--name", "one");
    const built = await cloud.canopy("images", "build", "debian", "--name", "one");
    assert.equal(built.code, 5, "nothing is built for a name that is taken");
    assert.match(built.stderr, /AMI name one is already in use/);
    const listed = await cloud.canopy("images", "ls", "--json");
    assert.match(listed.stdout, /of vmdk/);
  });

  test("a disk that stands on another file brings nothing of that along", async () => {
    const secret = join(folder, "secret.raw");
    writeFileSync(secret, Buffer.alloc(MiB, 1));
    const disk = join(folder, "overlay.qcow2");
    execFileSync("qemu-img", ["create", "-qf", "qcow2", "-b", secret, "-F", "raw", disk]);
    await refused(/all of a disk must be in one file/, disk);
  });

  test("a disk that lost its end is not taken for one with zeros there", async () => {
    const whole = join(folder, "whole.raw");
    writeFileSync(whole, Buffer.alloc(MiB, 1));
    const disk = join(folder, "half.qcow2");
    execFileSync("qemu-img", ["convert", "-O", "qcow2", whole, disk]);
    truncateSync(disk, MiB / 2);
    await refused(/half.qcow2 as it is damaged: .*end of the file/, disk);
  });

  test("an OCI archive is imported with what it runs, its layers under their own digests", async () => {
    const layer = layerOf();
    const image = await imported(archiveOf("good", layer));
    assert.equal(image.type, "files");
    assert.deepEqual(image.kinds, ["container"]);
    assert.equal(image.architecture, "x86_64");
    assert.equal(image.blobs[0]?.key, sha256(gzipSync(layer)));
    assert.deepEqual(await blob(image.blobs[0]!.key), gzipSync(layer));
  });

  test("an archive that is damaged, or reaches out of itself, is refused, and leaves no image", async () => {
    const out = layerOf("--transform", "s,hello,../hello,", "-P");
    await refused(/must stay below its root/, archiveOf("out", out));
    const root = mkdtempSync(join(folder, "links-"));
    execFileSync("ln", ["-s", "../../../etc/passwd", join(root, "link")]);
    const link = execFileSync("tar", ["-C", root, "-cf", "-", "link"]);
    await refused(/'link' leads to/, archiveOf("link", link));
    const damaged = archiveOf("damaged", layerOf(), (layout) => {
      const wrong = gzipSync(layerOf("--mtime", "@1"));
      for (const name of execFileSync("ls", [join(layout, "blobs/sha256")])
        .toString()
        .split("\n")) {
        const path = join(layout, "blobs/sha256", name);
        if (name !== "" && readFileSync(path)[0] === 0x1f)
          writeFileSync(
            path,
            Buffer.concat([wrong, Buffer.alloc(99)]).subarray(0, statSync(path).size),
          );
      }
    });
    await refused(/damaged|digest|end of file/, damaged);
    writeFileSync(join(folder, "none.txt"), "this is no image");
    await refused(/it is neither/, join(folder, "none.txt"));
    const { stdout } = await cloud.canopy("images", "ls", "--json");
    assert.doesNotMatch(stdout, /"(out|link|damaged|none)"/);
  });

  test("of an archive for several architectures the machine's own image is taken, its layers packed as they are", async () => {
    const layer = layerOf();
    const packed = zstdCompressSync(layer);
    const path = archiveOf("several", layer, (layout) => {
      const put = (value: Buffer | object) => {
        const bytes = value instanceof Buffer ? value : Buffer.from(JSON.stringify(value));
        const digest = sha256(bytes);
        writeFileSync(join(layout, "blobs", "sha256", digest), bytes);
        return { digest: `sha256:${digest}`, size: bytes.length };
      };
      const manifests = ["arm64", "amd64"].map((architecture) => {
        const rootfs = { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] };
        const config = put({ architecture, os: "linux", config: { Cmd: [architecture] }, rootfs });
        const manifest = put({ schemaVersion: 2, config, layers: [put(packed)] });
        return { ...manifest, platform: { architecture, os: "linux" } };
      });
      writeFileSync(
        join(layout, "index.json"),
        JSON.stringify({ manifests: [put({ manifests })] }),
      );
    });
    const image = await imported(path);
    assert.equal(image.architecture, "x86_64");
    assert.deepEqual(await blob(image.blobs[0]!.key), packed);
  });

  test("a disk that is damaged, and a second name that leads out of its layer, are refused, and leave no image", async () => {
    const before = (await cloud.canopy("images", "ls", "--json")).stdout;
    const disk = join(folder, "torn.qcow2");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", disk, "64M"]);
    execFileSync("qemu-io", ["-c", "write -P 7 9M 1M", disk]);
    truncateSync(disk, 100_000);
    const bytes = readFileSync(disk);
    bytes.fill(0xff, 40, 48); // where its first table is
    writeFileSync(disk, bytes);
    await refused(/Cannot (import|open) .*torn\.qcow2/, disk);
    const root = mkdtempSync(join(folder, "names-"));
    writeFileSync(join(root, "first"), "x");
    linkSync(join(root, "first"), join(root, "second"));
    const renamed = "--transform=flags=h;s,first,../../etc/passwd,";
    const words = ["-C", root, "-cf", "-", renamed, "-P", "first", "second"];
    const names = execFileSync("tar", words);
    await refused(/must stay below its root/, archiveOf("names", names));
    assert.equal((await cloud.canopy("images", "ls", "--json")).stdout, before);
  });

  test("a program that an image is built by, and that is not there, is named with what brings it", async () => {
    const programs = join(folder, "programs");
    mkdirSync(programs);
    for (const name of readdirSync("/usr/bin"))
      if (name !== "buildah" && name !== "mmdebstrap")
        symlinkSync(join("/usr/bin", name), join(programs, name));
    const recipe = join(folder, "recipe");
    mkdirSync(recipe);
    writeFileSync(join(recipe, "Dockerfile"), "FROM scratch\n");
    for (const [what, program] of [
      [recipe, "buildah"],
      ["debian", "mmdebstrap"],
    ] as const) {
      const said = spawnSync(canopyFile, ["images", "build", what, "--name", `by ${program}`], {
        env: { ...cloud.env, PATH: programs },
      });
      assert.equal(said.status, 7);
      assert.match(said.stderr.toString(), new RegExp(`apt-get install ${program}`));
    }
  });

  test("a kernel is an image that is all there is; what was deregistered leaves data that is found, and removed", async () => {
    const kernel = join(folder, "kernel");
    writeFileSync(kernel, "none");
    const none = await cloud.canopy("images", "import", kernel, "--kernel", "--name", "uni");
    assert.match(none.stderr, /must be a Linux bzImage, an ELF file with a PVH note/);
    const linux = `${" ".repeat(0x202)}HdrS`;
    writeFileSync(kernel, linux);
    const { id, blobs: own } = await imported(kernel, "--kernel", "--name", "uni");
    assert.equal(own[0]?.key, sha256(linux));
    assert.equal((await cloud.canopy("images", "rm", id, "--yes")).code, 0);
    const left = await cloud.canopy("images", "orphans", "--json");
    assert.match(left.stdout, new RegExp(own[0]!.key));
    const unsaid = await cloud.canopy("images", "orphans", "--remove", id);
    assert.match(unsaid.stderr, /--yes/);
    assert.equal((await cloud.canopy("images", "orphans", "--remove", id, "--yes")).code, 0);
    const why = await cloud.canopy("why", id);
    assert.match(why.stdout, /is being removed/);
    await imported(kernel, "--kernel", "--name", "uni");
    const named = await cloud.canopy("images", "orphans", "--json");
    assert.doesNotMatch(named.stdout, new RegExp(own[0]!.key));
    const missing = "f".repeat(64);
    const source = { type: "unikernel", kernel: missing };
    await assert.rejects(
      cloud.call("POST", "/v1/images", { name: "not there", kinds: ["microvm"], source }),
      /does not exist: put it first/,
    );
  });
});
