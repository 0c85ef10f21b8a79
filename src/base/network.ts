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
    where: { host: string; port: number },
    handler: (
      request: IncomingRequest,
    ) => Promise<{ status: number; body?: Uint8Array | AsyncIterable<Uint8Array> }>,
  ): Promise<{ port: number; close(): Promise<void> }>;
}

/** A request as a handler of `serve` sees it. */
export interface IncomingRequest {
  method: string;
  /** Path and query, undecoded. */
  path: string;
  headers: Record<string, string>;
  body: AsyncIterable<Uint8Array>;
}
