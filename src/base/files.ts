/** The disk, handed in. Paths are absolute. */
export interface Files {
  /** The bytes of a file, or of a part of it; undefined where there is none. */
  read(path: string, part?: { offset: number; length: number }): Promise<Uint8Array | undefined>;
  /**
   * Writes a file that matters: aside, fsync, rename, fsync of its folder. Makes the folder if needed. One that is not `durable` is
   * whole for whoever reads it, also after this process was killed, and may be lost with the machine.
   */
  write(
    path: string,
    content: Uint8Array | string,
    options?: { mode?: number; durable?: boolean },
  ): Promise<void>;
  /** The same for content that arrives in pieces; gives its size. Leaves nothing behind when the source throws. */
  writeStream(
    path: string,
    source: AsyncIterable<Uint8Array>,
    options?: { mode?: number },
  ): Promise<{ sizeBytes: number }>;
  /** The file in pieces, from `offset` (default 0) for `length` bytes (default to its end). */
  stream(path: string, part?: { offset?: number; length?: number }): AsyncIterable<Uint8Array>;
  /** Opens a file that lives in memory, so that reading it takes no waiting. Throws where there is none. */
  openInMemory(path: string): MemoryFile;
  /** Opens a file to add to its end; makes it and its folder if needed. */
  append(path: string): Promise<Appender>;
  /** Names in a folder; empty where there is none. */
  list(folder: string): Promise<string[]>;
  stat(path: string): Promise<
    | {
        sizeBytes: number;
        isFolder: boolean;
        modifiedMs: number;
        mode: number;
        /** The same whatever way leads to it, where the disk knows. */
        identity?: string;
      }
    | undefined
  >;
  /** Makes it and the folders that it is in. `durable`: their entries are on disk when this resolves. */
  makeFolder(path: string, options?: { durable: boolean }): Promise<void>;
  /** On disk when this resolves. */
  rename(from: string, to: string): Promise<void>;
  /** Copies a file, sharing blocks where the file system can. */
  copy(from: string, to: string): Promise<void>;
  setMode(path: string, mode: number): Promise<void>;
  /** Says of a file that it was modified at that time; on disk when this resolves. */
  touch(path: string, modifiedMs: number): Promise<void>;
  /** Gives it to that user and that group: for root alone. */
  setOwner(path: string, user: number, group: number): Promise<void>;
  /** Removes a file or a whole folder; nothing happens where there is none. */
  remove(path: string): Promise<void>;
  /** Bytes that may still be written on the disk that holds `path`. */
  freeBytes(path: string): Promise<number>;
}

/** A file open at any place. */
export interface MemoryFile {
  /** Fills `into` with what is at `offset`, at once; gives how many bytes there were. */
  read(into: Uint8Array, offset: number): number;
  close(): void;
}

/** A file open at its end. */
export interface Appender {
  write(content: Uint8Array | string): Promise<void>;
  /** Resolves when all that was written is on disk, and the name of the file too. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
