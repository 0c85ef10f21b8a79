/** What a signature covers of a request: an IncomingMessage of Node has all of it. */
export interface SignedRequest {
  method?: string | undefined;
  /** Path and query as they came. */
  url: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  rawHeaders: readonly string[];
}
