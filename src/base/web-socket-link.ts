import type { WebSocket } from "ws";
import type { Clock } from "./clock.ts";
import type { Link } from "./network.ts";

const closingMs = 1000;
/** A close frame has room for 123 bytes of reason. */
const reasonLengthMax = 120;

/** A link over an open or opening WebSocket, on either side. One that does not answer the close is dropped. */
export function linkOf(socket: WebSocket, clock: Clock): Link {
  const early: string[] = [];
  let handler: ((message: string) => void) | undefined;
  const link: Link = {
    send: (message) => socket.send(message),
    bufferedBytes: () => socket.bufferedAmount,
    close(reason) {
      socket.close(1000, reason?.slice(0, reasonLengthMax));
      clock.after(closingMs, () => socket.terminate(), true);
    },
    get onMessage() {
      return handler ?? ((message) => void early.push(message));
    },
    set onMessage(next) {
      handler = next;
      for (const message of early.splice(0)) next(message);
    },
    onClose: () => {},
  };
  socket.on("message", (data) => link.onMessage(data.toString()));
  socket.on("error", () => {});
  socket.once("close", (code, reason) => link.onClose(reason.toString() || `code ${code}`));
  return link;
}
