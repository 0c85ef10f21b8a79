const KiB = 1024;
const MiB = 1024 * KiB;

/** Every bound of guests with a kernel of their own; part of `limits`. */
export const vmLimits = {
  /** QEMU answers its monitor within this after its start, and a command within that. */
  emulatorStartMs: 20_000,
  emulatorAnswerMs: 30_000,
  /** How often a new QEMU is looked at until it answers. */
  emulatorLookMs: 4,
  /** One line of its monitor. */
  monitorLineBytesMax: 16 * MiB,
  /** Translated code that an emulated guest keeps: without a bound it grows to a gigabyte. */
  emulatorCodeMiB: 64,
  /** What QEMU takes beside its guest's memory: with the processor's own virtualisation, and emulated. */
  guestOverheadBytes: 128 * MiB,
  emulatedOverheadBytes: 384 * MiB,
  /** CPU that the devices of a guest may take beside its processors, in thousandths. */
  guestDeviceMilliCpus: 500,
  guestThreadsMax: 256,
  /** What is kept of a guest's console; its file is cut when it is longer than that, looked at so often. */
  guestConsoleBytesMax: 64 * KiB,
  consoleFileBytesMax: 1 * MiB,
  consoleLookMs: 5_000,
  /** A guest gives a disk back within this; one that was asked to begin anew has done so within that. */
  guestDetachMs: 15_000,
  guestRebootMs: 60_000,
  /** A Linux looks at its disk before it has used so much of its processors; looked at so often. */
  guestBlindCpuMs: 60_000,
  guestLookMs: 10_000,
  /** Whether KVM works is known within this. */
  kvmProbeMs: 10_000,
  /** What is left of an ended QEMU's own words, to say why. */
  emulatorWordsBytesMax: 2 * KiB,
  /** A picture of a display. */
  pictureBytesMax: 64 * MiB,
  /** A copy of a disk, or of memory, may take so long, as may a move to another machine. */
  guestCopyMs: 4 * 60 * 60_000,
  guestMoveMs: 60 * 60_000,
  /** A guest that moves goes as fast as the network lets it, and stands still for so long at most if it can be helped. */
  moveBytesPerSecond: 16 * 1024 * MiB,
  movePauseMs: 200,
  /**
   * Memory that is copied while its guest runs is read and compared in such pieces and blocks, so many writes under way at once, in
   * so many rounds at most: until one has sent so little.
   */
  memoryPieceBytes: 1 * MiB,
  memoryBlockBytes: 16 * KiB,
  memoryWritesMax: 16,
  memoryRoundsMax: 6,
  memoryRestBytes: 2 * MiB,
  /** It comes within this to the machine that waits for it. */
  guestComeMs: 2 * 60_000,
  /** It stands still for so long at most until it is known that it runs elsewhere. */
  guestStandMs: 30_000,
} as const;
