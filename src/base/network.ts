/** An open stream of text messages to one peer, in order, or closed. */
export interface Link {
  send(message: string): void;
  /** Bytes accepted by `send` that have not left yet. */
  bufferedBytes(): number;
  close(reason?: string): void;
  /** Called for each message; those that came before it was set are kept for it. */
  onMessage: (message: string) => void;
  /** Called once, whoever closed it. */
  onClose: (reason: string) => void;
}

export interface HttpRequest {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string | AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
  /** Addresses that are not connected to, asked when the name was resolved. */
  refuses?: (address: string) => boolean;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body: AsyncIterable<Uint8Array>;
}

/** The network, handed in. */
export interface Network {
  /** Opens a link to `url` (ws: or wss:). Throws CanopyError "unavailable", or "unauthenticated" or "forbidden" when refused. */
  dial(url: string, headers: Record<string, string>): Promise<Link>;
  /** One HTTP call. Throws CanopyError "unavailable" when no answer came; so does its body when it breaks off. */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Serves plain HTTP; `port` 0 takes a free one. */
  serve(
    where: ServeAddress,
    handler: (request: IncomingRequest) => Promise<OutgoingAnswer>,
  ): Promise<{ port: number; close(): Promise<void> }>;
}

/** A port; one of another network namespace, by its file; or a Unix socket, made anew, for everyone who may enter its folder. */
export type ServeAddress = { host: string; port: number; namespace?: string } | { path: string };

export interface OutgoingAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: Uint8Array | AsyncIterable<Uint8Array>;
}

/** A request as a handler of `serve` sees it. */
export interface IncomingRequest {
  method: string;
  /** Path and query, undecoded. */
  path: string;
  /** The address that it came from; empty on a Unix socket. */
  from: string;
  headers: Record<string, string>;
  body: AsyncIterable<Uint8Array>;
}
