/** A two-way stream of bytes to one peer. */
export interface Socket {
  /**
   * What comes in, to be read by one reader; it ends when the peer has ended its side, or either has closed it. Reading slowly
   * slows the peer down.
   */
  incoming: AsyncIterator<Uint8Array>;
  /** Resolves when more may be written: soon, or when some of it has left, or when it is closed. */
  write(content: Uint8Array | string): Promise<void>;
  /** Ends this side, when all that was written has left. */
  end(): void;
  /** Drops it at once. */
  close(): void;
  /** Resolves when nothing comes or goes any more. */
  closed: Promise<void>;
}

/**
 * Where a peer is: a Unix socket, or a TCP port. With a key both ends prove that they have it, and what passes is sealed
 * (TLS with a key that both have).
 */
export type SocketAddress = { path: string } | { host: string; port: number; key?: Uint8Array };

/** Streams of bytes between processes, handed in. */
export interface Sockets {
  /** Throws CanopyError "unavailable" where nobody listens. */
  connect(to: SocketAddress): Promise<Socket>;
  /** Calls `onSocket` for each that connects; port 0 takes a free one. A path is made anew, for everyone who may enter its folder. */
  listen(
    at: SocketAddress,
    onSocket: (socket: Socket) => void,
  ): Promise<{ port: number; close(): Promise<void> }>;
}

/** Makes two streams one, until either is closed or both have ended. */
export async function joinSockets(one: Socket, two: Socket): Promise<void> {
  await Promise.all([pour(one, two), pour(two, one)]);
}

async function pour(from: Socket, to: Socket): Promise<void> {
  try {
    for (;;) {
      const piece = await from.incoming.next();
      if (piece.done) break;
      await to.write(piece.value);
    }
    to.end();
  } catch {
    to.close();
  }
}

/** Lines of text as they come in, without their ends. One longer than `lineBytesMax` ends them. */
export async function* linesOf(
  incoming: AsyncIterator<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const piece = await incoming.next();
    if (piece.done) return;
    const lines = (rest + decoder.decode(piece.value, { stream: true })).split("\n");
    rest = lines.pop()!;
    if (rest.length > lineBytesMax) return;
    yield* lines;
  }
}
