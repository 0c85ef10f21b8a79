import { createHash } from "node:crypto";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { BuildFailure, Message, Metafile } from "esbuild";
import { CanopyError } from "#/base/errors.ts";

/** A user's module as one file that needs nothing else. */
export interface Bundle {
  /** ECMAScript with an inline source map. */
  code: Uint8Array;
  /** SHA-256 of the code: its name as a blob. */
  key: string;
  /** The user's own files that it was made of; packages are not listed. */
  sources: readonly string[];
}

const sdkName = "canopy-cloud/sdk";
const sdkFile = fileURLToPath(new URL("./sdk.ts", import.meta.url));
const definitionFile = fileURLToPath(new URL("./definition.ts", import.meta.url));

/**
 * The SDK that comes with this program is the one in the bundle, whatever is installed beside the module.
 * A plugin would find the same file without its tsconfig.json: the code would then depend on which import came first.
 */
const ownSdk = { [sdkName]: sdkFile };

/**
 * Makes one file of a module and all that it imports, this SDK included. Tasks are found by exported
 * names: those of the module itself, and those of the modules it imports that make tasks too.
 * Throws CanopyError "invalid" with file, line and column of what does not compile, "not-found" when
 * there is no such file.
 */
export async function bundleModule(file: string): Promise<Bundle> {
  const { build } = await import("esbuild");
  const path = resolve(file);
  const common = {
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node26",
    external: ["esbuild"] as string[],
    logLevel: "silent",
    absWorkingDir: dirname(path),
    alias: ownSdk,
  } as const;
  try {
    const first = await build({
      ...common,
      metafile: true,
      entryPoints: [path],
      outfile: "module.js",
    });
    const others = modulesWithTasks(first.metafile, dirname(path), path);
    const exported = await exportsOf(build, [path, ...others]);
    const made = await build({
      ...common,
      stdin: {
        contents: entryOf(path, others, exported),
        resolveDir: dirname(path),
        sourcefile: "canopy-entry.js",
        loader: "js",
      },
      outfile: `${basename(path).replace(/\.\w+$/, "")}.js`,
      sourcemap: "inline",
      // Stacks tell the user's own files, wherever the bundle lies when it runs.
      sourceRoot: pathToFileURL(`${dirname(path)}/`).href,
      keepNames: true,
      banner: { js: requireBanner },
    });
    const code = made.outputFiles[0]!.contents;
    return {
      code,
      key: createHash("sha256").update(code).digest("hex"),
      sources: ownSources(first.metafile, dirname(path)),
    };
  } catch (thrown) {
    throw faultOf(thrown, path);
  }
}

/** Packages that were written for require() still find it. */
const requireBanner =
  'import { createRequire as canopyRequire } from "node:module"; globalThis.require ??= canopyRequire(import.meta.url);';

const ownFolder = dirname(dirname(sdkFile));

function ownSources({ inputs }: Metafile, folder: string): string[] {
  return Object.keys(inputs)
    .map((name) => resolve(folder, name))
    .filter((path) => !path.startsWith(ownFolder) && !path.includes("/node_modules/"));
}

/** Modules of the user, reached by plain imports, that import the SDK: they may make tasks. */
function modulesWithTasks({ inputs }: Metafile, folder: string, entry: string): string[] {
  const found: string[] = [];
  for (const [name, { imports }] of Object.entries(inputs)) {
    const path = resolve(folder, name);
    if (path === entry || path.startsWith(ownFolder) || path.includes("/node_modules/")) continue;
    if (imports.some(({ original }) => original === sdkName)) found.push(path);
  }
  return found;
}

/** The names that each file exports. */
async function exportsOf(
  build: typeof import("esbuild").build,
  files: string[],
): Promise<Map<string, string[]>> {
  const exported = new Map<string, string[]>();
  for (const file of files) {
    const options = {
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "esm",
      packages: "external",
      logLevel: "silent",
    } as const;
    const { metafile } = await build({
      ...options,
      entryPoints: [file],
      outfile: "names.js",
      alias: ownSdk,
    });
    exported.set(file, Object.values(metafile.outputs)[0]!.exports);
  }
  return exported;
}

/**
 * The module that the bundle begins with: it exports what the user's module exports, then what other
 * modules with tasks export under names that are still free, and tells definitions their names.
 */
function entryOf(main: string, others: string[], exported: Map<string, string[]>): string {
  const taken = new Set<string>();
  const lines: string[] = [];
  const bindings: string[] = [];
  for (const file of [main, ...others]) {
    for (const name of exported.get(file) ?? []) {
      const prefix = basename(file)
        .replace(/\.\w+$/, "")
        .replace(/\W/g, "_");
      let own = file === main ? name : name === "default" ? prefix : name;
      for (let turn = 0; taken.has(own); turn++) own = `${prefix}_${name}${turn || ""}`;
      taken.add(own);
      const local = `canopy${bindings.length}`;
      lines.push(
        `import { ${name} as ${local} } from ${JSON.stringify(file)};`,
        `export { ${local} as ${own} };`,
      );
      bindings.push(`${own}: ${local}`);
    }
  }
  return [
    `import { nameExports } from ${JSON.stringify(definitionFile)};`,
    ...lines,
    `nameExports({ ${bindings.join(", ")} });`,
    "",
  ].join("\n");
}

/** esbuild's own message, at its place. */
function faultOf(thrown: unknown, path: string): unknown {
  const [first] = (thrown as Partial<BuildFailure>).errors ?? [];
  if (!first) return thrown;
  if (first.location === null && first.text.includes("Could not resolve")) {
    return new CanopyError("not-found", `Cannot run ${path} as there is no such file`, {
      hint: "Check the path",
    });
  }
  const place = first.location && {
    file: resolve(dirname(path), first.location.file),
    line: first.location.line,
    column: first.location.column + 1,
  };
  const at = place ? `${place.file}:${place.line}:${place.column}: ` : "";
  return new CanopyError(
    "invalid",
    `Cannot run ${basename(path)} as it does not compile: ${at}${first.text}`,
    {
      ...(place ? { place } : {}),
      ...hintOf(first),
    },
  );
}

function hintOf({ text }: Message): { hint?: string } {
  const missing = /^Could not resolve "([^".][^"]*)"/.exec(text)?.[1];
  if (missing !== undefined && !missing.startsWith("/"))
    return { hint: `Install it with: npm install ${missing}` };
  return {};
}
