import { scan, type Import } from "./scan.ts";

/**
 * The rules of the tree that no compiler keeps: which way imports point, what may touch the world,
 * what a file may be called and how long it may grow. Pure: sources in, faults out, so that the test
 * of the tree can itself be tested on small made-up trees.
 */
export interface Tree {
  /** Text by path from the root: "src/base/clock.ts". */
  sources: Map<string, string>;
  dependencies: string[];
  devDependencies: string[];
}

/** From the ground up. A room may import those of lower layers, and itself. */
const layers = [
  ["base"],
  ["model"],
  ["planning"],
  ["space", "blobs", "objects", "logs", "drivers", "access", "meter", "sites", "queues", "trail"],
  [
    "scheduler",
    "jobs",
    "agent",
    "chaos",
    "backup",
    "doctor",
    "autonomic",
    "buckets",
    "instances",
    "functions",
  ],
  ["forecast"],
  ["api", "aws", "cli", "sdk"],
];
const program = layers.length;

/** Sideways, and only these: keys, projects and buckets are records; the CLI is a user of the SDK. */
const sideways: Record<string, string[]> = {
  access: ["space"],
  objects: ["space"],
  queues: ["space"],
  cli: ["sdk"],
};

/** Rooms that run far from the cloud, and know nothing but words. */
const apart: Record<string, string[]> = {
  planning: ["base", "model"],
  sdk: ["base", "model"],
  cli: ["base", "model", "sdk"],
  agent: ["base", "model", "drivers", "blobs"],
};

/** Where the world may be touched directly; everything else is handed a part of `Host`. */
const worldly = [
  /^src\/base\/node\//,
  /^src\/base\/reactions\.ts$/,
  /^src\/space\/logs\//,
  /^src\/objects\/local\//,
  /^src\/(main|agent-main|config)\.ts$/,
  /^src\/cli\/terminal\.ts$/,
  /^src\/sdk\/world\.ts$/,
  /^src\/drivers\/runner\/child[^/]*\.ts$/,
  /^src\/drivers\/functions\/runtimes\//,
];

/** Chance and servers for tests: nothing in there is part of the product. */
const judgesTools = "src/base/testing/";

/** Files of the simulation that run it; all others are inside, where time and chance are the seed's. */
const outsideSimulation = /^sim\/(?:(?:main|seeds|thread|run|world\/world)\.ts|mutants\/)/;

const worldlyModules = new Set(
  (
    "fs fs/promises net tls dgram dns dns/promises http https http2 child_process cluster " +
    "worker_threads os timers timers/promises perf_hooks sqlite"
  )
    .split(" ")
    .map((name) => `node:${name}`),
);

const worldlyNames: [name: string, pattern: RegExp][] = [
  [
    "the clock",
    /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bTemporal\.Now\b|\bprocess\.hrtime\b/g,
  ],
  ["the clock", /(?<!\.)\bperformance\.now\b/g],
  ["chance", /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\brandomInt\b|\bgetRandomValues\b/g],
  ["the environment", /\bprocess\.env\b/g],
  ["timers", /(?<![.\w])(?:setTimeout|setInterval|setImmediate)\b|\bAbortSignal\.timeout\b/g],
  ["the network", /\bglobalThis\.fetch\b|\bnew WebSocket\(/g],
];

const forbiddenWords = new Set([
  "utils",
  "util",
  "helpers",
  "helper",
  "common",
  "core",
  "manager",
  "misc",
]);
const linesMax = 500;

export function faultsOf(tree: Tree): string[] {
  const faults: string[] = [];
  const runtime = new Map<string, string[]>();
  for (const [path, source] of tree.sources) {
    faults.push(...nameFaults(path), ...lengthFaults(path, source));
    if (!/\.(ts|mjs)$/.test(path)) continue;
    const { code, imports } = scan(source);
    const reached: string[] = [];
    for (const found of imports) {
      const target = targetOf(path, found.specifier);
      if (target === undefined) {
        faults.push(...packageFaults(path, found, tree));
        continue;
      }
      if (!tree.sources.has(target) && !isOutside(target))
        faults.push(at(path, found, `imports '${found.specifier}', which is no file`));
      const wrong = directionFault(path, target);
      if (wrong !== undefined) faults.push(at(path, found, wrong));
      if (!found.typeOnly && !found.dynamic) reached.push(target);
    }
    runtime.set(path, reached);
    if (path.startsWith("src/") && !isTest(path))
      faults.push(...worldFaults(path, code, imports), ...barrelFaults(path, code, imports));
    if (path.startsWith("sim/") && !isTest(path) && !outsideSimulation.test(path))
      faults.push(...worldFaults(path, code, imports));
  }
  return [
    ...faults,
    ...cycles(runtime).map((cycle) => `these import each other in a circle: ${cycle.join(" → ")}`),
  ];
}

/** What the compiler looks after: data, and the bench's peers, which have a package of their own. */
const isOutside = (target: string) => target.endsWith(".json") || target.startsWith("bench/peers/");

const isTest = (path: string) => /\.test\.ts$|\/testing\//.test(path);

function at(path: string, { line }: { line: number }, fault: string): string {
  return `${path}:${line} ${fault}`;
}

/** The file that a specifier means; undefined for a package or a module of Node. */
function targetOf(path: string, specifier: string): string | undefined {
  if (specifier.startsWith("#/")) return `src/${specifier.slice(2)}`;
  if (!specifier.startsWith(".")) return undefined;
  const parts = path.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** The room of a file in src; "" for a file of the program itself; undefined outside src. */
function roomOf(path: string): string | undefined {
  const [top, room, ...rest] = path.split("/");
  if (top !== "src") return undefined;
  return rest.length === 0 ? "" : room;
}

function layerOf(room: string): number {
  return room === "" ? program : layers.findIndex((rooms) => rooms.includes(room));
}

function directionFault(path: string, target: string): string | undefined {
  const isJudge = path.startsWith("chaos/") || path.startsWith(judgesTools);
  if (isJudge && target.startsWith("src/") && !target.startsWith(judgesTools))
    return `imports ${target}: what judges the product from outside shares nothing with it`;
  if (isTest(path)) return undefined;
  const [from, to] = [roomOf(path), roomOf(target)];
  if (from === "" && target === "package.json") return undefined; // what the program tells of itself
  if (to === undefined)
    return from === undefined ? undefined : `imports ${target}, which is not part of the product`;
  if (from === undefined) {
    const isUser = path.startsWith("examples/");
    return isUser
      ? `imports ${target}: an example is a user, and imports canopy-cloud/sdk`
      : undefined;
  }
  for (const room of [from, to])
    if (layerOf(room) < 0)
      return `belongs to or imports the unknown room '${room}': give it a layer`;
  if (target.startsWith("src/base/node/") && from !== "base" && from !== "" && !isWorldly(path)) {
    return `imports ${target}: only the program knows which machine it runs on; take a part of Host`;
  }
  if (from === to) return undefined;
  if (apart[from] && !apart[from].includes(to))
    return `imports ${target}: ${from} may import only ${apart[from].join(", ")}`;
  if (layerOf(to) < layerOf(from) || sideways[from]?.includes(to)) return undefined;
  const direction = layerOf(to) === layerOf(from) ? "a neighbour" : "upwards";
  return `imports ${target}, ${direction}: ${from} may import only what is below it`;
}

const isWorldly = (path: string) => worldly.some((pattern) => pattern.test(path));

function worldFaults(path: string, code: string, imports: Import[]): string[] {
  if (isWorldly(path)) return [];
  const faults = imports
    .filter(({ specifier, typeOnly }) => !typeOnly && worldlyModules.has(specifier))
    .map((found) => at(path, found, `imports ${found.specifier}: take a part of Host instead`));
  for (const [what, pattern] of worldlyNames) {
    for (const { index, 0: text } of code.matchAll(pattern)) {
      faults.push(
        at(
          path,
          { line: lineAt(code, index) },
          `touches ${what} by '${text}': take a part of Host instead`,
        ),
      );
    }
  }
  const fetched = /(?:\b(?:await|return|void)|[=(,?:>&|])[ \t]*(?<![.\w])fetch\(/.exec(code);
  if (fetched && !/[{(,]\s*fetch\s*[,:}=?)]|\bfetch[?]?:/.test(code)) {
    faults.push(
      at(
        path,
        { line: lineAt(code, fetched.index) },
        "touches the network by 'fetch(': take it by parameter",
      ),
    );
  }
  return faults;
}

function lineAt(code: string, index: number): number {
  return code.slice(0, index).split("\n").length;
}

function barrelFaults(path: string, code: string, imports: Import[]): string[] {
  const isPublicDoor = path === "src/sdk/sdk.ts";
  const passed = imports.filter(({ reexport }) => reexport);
  const faults = passed
    .filter(({ specifier }) => specifier.startsWith("#/") && !isPublicDoor)
    .map((found) =>
      at(
        path,
        found,
        `re-exports '${found.specifier}' of another room: import it where it is used`,
      ),
    );
  const own = code.replaceAll(/^\s*export\s[^;]*?\sfrom\s*(["']) *\1;?/gm, "").trim();
  if (passed.length > 0 && own === "" && !isPublicDoor)
    faults.push(`${path}:1 only re-exports: import from the files themselves`);
  return faults;
}

function packageFaults(path: string, found: Import, tree: Tree): string[] {
  if (found.specifier.startsWith("node:")) return [];
  const [scope = "", name = ""] = found.specifier.split("/");
  const wanted = scope.startsWith("@") ? `${scope}/${name}` : scope;
  if (wanted === "canopy-cloud") return [];
  const isProduct = path.startsWith("src/") && !isTest(path);
  // Types vanish before anyone runs the product.
  const present =
    isProduct && !found.typeOnly
      ? tree.dependencies
      : [...tree.dependencies, ...tree.devDependencies];
  if (present.includes(wanted)) return [];
  return [
    at(path, found, `imports the package '${wanted}', which package.json does not list for it`),
  ];
}

function nameFaults(path: string): string[] {
  if (path.endsWith(".tsx"))
    return [`${path}:1 is .tsx, which Node does not run: write createElement`];
  const words = path.replace(/\.[a-z.]+$/, "").split(/[/.\-_]/);
  const forbidden = words.find((word) => forbiddenWords.has(word.toLowerCase()));
  return forbidden === undefined
    ? []
    : [`${path}:1 has '${forbidden}' in its name: what has no room has no name yet`];
}

function lengthFaults(path: string, source: string): string[] {
  const lines = source.split("\n").length - 1;
  return lines > linesMax
    ? [`${path}:${lines} has ${lines} lines: a file has at most ${linesMax}`]
    : [];
}

/** Each circle of imports once, by Tarjan's strongly connected components (SIAM J. Comput. 1, 1972). */
function cycles(edges: Map<string, string[]>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): void => {
    order.set(path, order.size);
    low.set(path, order.get(path)!);
    stack.push(path);
    for (const next of edges.get(path) ?? []) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(path, Math.min(low.get(path)!, low.get(next)!));
    }
    if (low.get(path) !== order.get(path)) return;
    const part = stack.splice(stack.indexOf(path));
    if (part.length > 1 || edges.get(path)?.includes(path)) found.push(part);
  };
  for (const path of edges.keys()) if (!order.has(path)) visit(path);
  return found;
}

/** Faults of a lockfile: exact versions, and no address of any one registry. */
export function lockfileFaults(text: string): string[] {
  const { packages } = JSON.parse(text) as {
    packages: Record<string, { resolved?: string; link?: boolean }>;
  };
  return Object.entries(packages)
    .filter(([, { resolved, link }]) => resolved !== undefined && !link)
    .map(
      ([path]) =>
        `package-lock.json names an address for ${path}: set omit-lockfile-registry-resolved`,
    );
}

/** Faults of a package.json: versions are exact. */
export function versionFaults(dependencies: Record<string, string>): string[] {
  return Object.entries(dependencies)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json takes ${name} at '${version}': a version is exact`);
}
