// Writes the package as npm gets it: dist/package, and the tarball of it beside. Node does not strip types inside
// node_modules, so they are stripped here; every line and column stays where it was in the source.
import { spawnSync } from "node:child_process";
import { chmod, cp, glob, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { blankText } from "./scan.ts";

const root = join(import.meta.dirname, "..");

/** What goes along as it is. */
const assets = [
  "bin/canopy",
  "examples/work/work.mjs",
  "LICENSE",
  "README.md",
  "CHANGELOG.md",
  "SECURITY.md",
];

if (import.meta.main) {
  const folder = join(root, "dist/package");
  await pack(folder);
  console.log(
    `${relative(root, folder)} and ${relative(root, tarball(folder, join(root, "dist")))} are ready`,
  );
}

/** Writes the package's files to `folder`, which is replaced. */
export async function pack(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const sources = await Array.fromAsync(glob("src/**/*.ts", { cwd: root }));
  for (const path of sources.filter((source) => !/\.test\.ts$|\/testing\//.test(source))) {
    const text = await readFile(join(root, path), "utf8");
    const stripped = stripTypeScriptTypes(text, { mode: "strip" });
    await write(join(folder, builtPath(path, ".js")), rewrite(path, stripped));
  }
  const runtimes = "src/drivers/functions/runtimes";
  await cp(join(root, runtimes), join(folder, builtPath(runtimes, ".js")), { recursive: true });
  await writeTypes(folder);
  for (const path of assets) await cp(join(root, path), join(folder, path), { recursive: true });
  await chmod(join(folder, "bin/canopy"), 0o755);
  await write(
    join(folder, "package.json"),
    JSON.stringify(await packageJson(), undefined, 2) + "\n",
  );
}

/** Makes the tarball of a packed folder, and gives its path. */
export function tarball(folder: string, into: string): string {
  const args = [
    "pack",
    folder,
    "--json",
    "--ignore-scripts",
    "--loglevel=error",
    "--pack-destination",
    into,
  ];
  const { status, stdout, stderr } = spawnSync("npm", args, { encoding: "utf8", cwd: into });
  if (status !== 0) throw new Error(`Cannot make the tarball as npm pack failed: ${stderr}`);
  const answer = JSON.parse(stdout) as
    | { filename: string }[]
    | Record<string, { filename: string }>;
  return join(into, Object.values(answer)[0]!.filename);
}

/** Declarations of the SDK and of all that it shows. */
async function writeTypes(folder: string): Promise<void> {
  const aside = `${folder}-types`;
  const config = join(aside, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: root,
    outDir: aside,
    typeRoots: [join(root, "node_modules/@types")],
  };
  const settings = {
    extends: join(root, "tsconfig.json"),
    compilerOptions,
    include: [],
    files: [join(root, "src/sdk/sdk.ts")],
  };
  await write(config, JSON.stringify(settings));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot write the SDK's types: ${stdout}`);
  for await (const path of glob("src/**/*.d.ts", { cwd: aside })) {
    await write(
      join(folder, builtPath(path, ".ts")),
      rewrite(path, await readFile(join(aside, path), "utf8")),
    );
  }
  await rm(aside, { recursive: true });
}

/** "src/sdk/sdk.ts" becomes "dist/sdk/sdk.js". */
function builtPath(path: string, extension: ".js" | ".ts"): string {
  return path.replace(/^src\//, "dist/").replace(/\.ts$/, extension);
}

/** Names of source files in imports, and in URLs next to the file, become those of the built ones. */
function rewrite(path: string, text: string): string {
  let built = "";
  let at = 0;
  for (const { index, length } of strings(text)) {
    const value = text.slice(index, index + length);
    if (!/^(#|\.{1,2})\/[^\s*]*\.ts$/.test(value)) continue;
    built += text.slice(at, index) + builtSpecifier(path, value);
    at = index + length;
  }
  return built + text.slice(at);
}

function builtSpecifier(path: string, specifier: string): string {
  const js = specifier.replace(/\.ts$/, ".js");
  if (!js.startsWith("#/")) return js;
  const way = relative(dirname(path), `src/${js.slice(2)}`);
  return way.startsWith(".") ? way : `./${way}`;
}

/** Where the insides of plain strings are. */
function* strings(text: string): Generator<{ index: number; length: number }> {
  for (const { index, 0: found } of blankText(text).matchAll(/(["']) *\1/g)) {
    yield { index: index + 1, length: found.length - 2 };
  }
}

async function packageJson(): Promise<object> {
  const own = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Record<
    string,
    object
  >;
  const {
    name,
    version,
    description,
    license,
    type,
    bin,
    engines,
    dependencies,
    optionalDependencies,
  } = own;
  const exports = {
    "./sdk": { types: "./dist/sdk/sdk.d.ts", default: "./dist/sdk/sdk.js" },
    "./package.json": "./package.json",
  };
  return {
    name,
    version,
    description,
    license,
    type,
    bin,
    exports,
    engines,
    dependencies,
    optionalDependencies,
  };
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
