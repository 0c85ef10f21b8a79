/** Whether a host, as a URL or an option names it, is this computer as seen from itself. */
export function isLoopback(host: string): boolean {
  return /^(localhost|\[?::1\]?|127(\.\d{1,3}){1,3})$/.test(host);
}
