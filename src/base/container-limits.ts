const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** Bounds of containers and of the layers that they are made of: part of `limits`, by which code names them. */
export const containerLimits = {
  /** Layers of one image: those of an overlay are named in one page of the kernel's. */
  imageLayersMax: 112,
  /** What one layer holds when it is unpacked, and how many files. */
  layerBytesMax: 64 * GiB,
  layerEntriesMax: 2_000_000,
  /** One header of a tar's that goes before an entry: a long name, or attributes. */
  layerHeaderBytesMax: 1 * MiB,
  /** Of a layer's /etc/passwd and /etc/group, in which the user of an image is looked up. */
  accountsFileBytesMax: 1 * MiB,
  /** The last of what an instance printed that can be read; twice as much is kept. */
  consoleBytesMax: 64 * KiB,
  /** Layers that no instance has any more are looked for this often. */
  layersLookMs: 30 * 60_000,
  /** A container that has not begun within this is given up. */
  containerStartMs: 60_000,
  /** Whether one has begun is looked at this often, and whether one that an earlier life of the agent started has ended. */
  containerBeginLookMs: 3,
  containerEndLookMs: 250,
  /** Supervisors that wait for a container, made so long after one was started, and ended so long after the last. */
  supervisorsReady: 2,
  supervisorsReadyAfterMs: 100,
  supervisorsReadyMs: 10 * 60_000,
  /** What a container needs beside is put into its control group so long after it. */
  supervisorsMoveMs: 500,
  /** A container that is to stand still, and does not within this, is let go on. */
  containerFreezeMs: 10_000,
  /** A volume that is no block device within this is given up; one that is not let go within it is taken away. */
  volumeOpenMs: 10_000,
  /** Owners that files in a container can have; each is another one on the machine, the first of them `containerOwnerBase`. */
  containerOwnersMax: 65_536,
  containerOwnerBase: 0x2000_0000,
  /** Processes of a container, and files that one of them has open unless it asks for more. */
  containerProcessesMax: 4_096,
  containerOpenFiles: 1_024,
  /** Of its /dev/shm, and of its /dev. */
  containerSharedMemoryBytes: 64 * MiB,
} as const;
