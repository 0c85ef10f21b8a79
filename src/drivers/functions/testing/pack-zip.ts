import { execFileSync } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const script = `
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for folder, _, names in os.walk("."):
        for name in names: archive.write(os.path.join(folder, name))`;

/** Packs files into an archive in `folder`, and gives its path; names that end in "!" are to be executable. */
export async function packZip(
  folder: string,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const source = join(folder, `source-${name}`);
  await mkdir(source, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    const path = join(source, file.replace("!", ""));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    if (file.endsWith("!")) await chmod(path, 0o755);
  }
  execFileSync("/usr/bin/python3", ["-c", script, `${source}.zip`], { cwd: source });
  return `${source}.zip`;
}
