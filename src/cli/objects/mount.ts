import { join, resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { formatObjectName, parseObjectName } from "#/sdk/objects/place.ts";
import type { ObjectsDoor } from "#/sdk/objects/door.ts";
import type { Cli, Done } from "../verb.ts";
import { objectsClient } from "./door.ts";

interface MountOptions {
  foreground?: boolean;
  readOnly?: boolean;
  with?: "rclone" | "s3fs";
}

/** Mounts a bucket, or what is below a prefix, as a folder: by rclone or s3fs, whichever this computer has. */
export async function mount(cli: Cli, word: string, folderWord: string): Promise<Done> {
  const { terminal } = cli;
  const { world } = terminal;
  const { foreground, readOnly, with: wanted } = cli.options as MountOptions;
  const folder = resolve(world.folder, folderWord);
  const { bucket, key } = parseObjectName(word);
  const client = await objectsClient(cli);
  // A name that is wrong is told before anything is mounted.
  await client.page({ bucket, key }, { max: 1 });
  const tool = wanted ?? (await toolHere(cli));
  if (!(await world.files.stat(folder))?.isFolder) await world.files.makeFolder(folder);
  const place = key === "" ? bucket : `${bucket}/${key.replace(/\/$/, "")}`;
  const asked = {
    door: client.door,
    place,
    folder,
    isForeground: foreground === true,
    isReadOnly: readOnly === true,
  };
  const { command, env } =
    tool === "rclone" ? rcloneOf(asked, world.env["AWS_CA_BUNDLE"]) : s3fsOf(asked);
  const code = await terminal.run(command, env);
  if (code === undefined) throw missing([tool]);
  if (code !== 0 && code !== 130) {
    throw new CanopyError("unavailable", `Cannot mount ${word} as ${tool} ended with ${code}`, {
      hint: "What it said is above; see all of it with --foreground",
    });
  }
  const name = formatObjectName({ bucket, key });
  return {
    type: "done",
    value: { object: name, folder, with: tool },
    message: asked.isForeground
      ? `${folder} is unmounted`
      : `${name} is mounted at ${folder}. To end that: canopy objects unmount ${folderWord}`,
  };
}

export async function unmount(cli: Cli, folderWord: string): Promise<Done> {
  const { terminal } = cli;
  const folder = resolve(terminal.world.folder, folderWord);
  for (const command of [
    ["fusermount3", "-u", folder],
    ["fusermount", "-u", folder],
    ["umount", folder],
  ]) {
    const code = await terminal.run(command);
    if (code === undefined) continue;
    if (code === 0) return { type: "done", value: { folder }, message: `${folder} is unmounted` };
    break;
  }
  throw new CanopyError("conflict", `Cannot unmount ${folder}`, {
    hint: "What said no is above: is something open in it?",
  });
}

interface Asked {
  door: ObjectsDoor;
  /** "bucket" or "bucket/prefix". */
  place: string;
  folder: string;
  isForeground: boolean;
  isReadOnly: boolean;
}

/** Its settings go by the environment, so that no key is in a command line or a file. */
function rcloneOf({ door, place, folder, isForeground, isReadOnly }: Asked, authorities = "") {
  const { credentials } = door;
  return {
    command: [
      "rclone",
      "mount",
      `canopy:${place}`,
      folder,
      "--config=/dev/null",
      "--vfs-cache-mode=writes",
      "--vfs-write-back=0s",
      "--dir-cache-time=1s",
      ...(isReadOnly ? ["--read-only"] : []),
      ...(isForeground ? [] : ["--daemon"]),
    ],
    env: {
      // Some rclones end at once where they find this; they have a variable of their own for it.
      ...(authorities !== "" && { AWS_CA_BUNDLE: "", RCLONE_CA_CERT: authorities }),
      RCLONE_CONFIG_CANOPY_TYPE: "s3",
      RCLONE_CONFIG_CANOPY_PROVIDER: "Other",
      RCLONE_CONFIG_CANOPY_ENDPOINT: door.endpoint,
      RCLONE_CONFIG_CANOPY_REGION: door.region,
      RCLONE_CONFIG_CANOPY_ACCESS_KEY_ID: credentials.accessKeyId,
      RCLONE_CONFIG_CANOPY_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...(credentials.sessionToken !== undefined && {
        RCLONE_CONFIG_CANOPY_SESSION_TOKEN: credentials.sessionToken,
      }),
      RCLONE_CONFIG_CANOPY_FORCE_PATH_STYLE: "true",
      // It would send "private" otherwise, which buckets without ACLs refuse.
      RCLONE_CONFIG_CANOPY_ACL: "bucket-owner-full-control",
    },
  };
}

function s3fsOf({ door, place, folder, isForeground, isReadOnly }: Asked) {
  const { credentials, endpoint, region } = door;
  const [bucket, ...prefix] = place.split("/");
  const options = [
    `url=${endpoint}`,
    `endpoint=${region}`,
    "use_path_request_style",
    "stat_cache_expire=1",
    ...(isReadOnly ? ["ro"] : []),
  ];
  return {
    command: [
      "s3fs",
      prefix.length === 0 ? bucket! : `${bucket}:/${prefix.join("/")}`,
      folder,
      ...options.flatMap((option) => ["-o", option]),
      ...(isForeground ? ["-f"] : []),
    ],
    env: {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...(credentials.sessionToken !== undefined && {
        AWS_SESSION_TOKEN: credentials.sessionToken,
      }),
    },
  };
}

async function toolHere({ terminal: { world } }: Cli): Promise<"rclone" | "s3fs"> {
  for (const tool of ["rclone", "s3fs"] as const)
    for (const folder of (world.env["PATH"] ?? "").split(":"))
      if (folder !== "" && (await world.files.stat(join(folder, tool)))) return tool;
  throw missing(["rclone", "s3fs"]);
}

function missing(tools: string[]): CanopyError {
  return new CanopyError(
    "not-found",
    `Cannot mount as this computer has no ${tools.join(", nor ")}`,
    {
      hint: `Install one: apt-get install ${tools[0]}`,
    },
  );
}
