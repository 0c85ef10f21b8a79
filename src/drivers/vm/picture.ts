import { crc32, deflateSync } from "node:zlib";

/**
 * PNG (RFC 2083) of a PPM ("P6": https://netpbm.sourceforge.net/doc/ppm.html), which is all that a QEMU built without a PNG
 * library draws. Throws on anything else.
 */
export function pngOfPpm(ppm: Uint8Array): Uint8Array {
  const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(
    Buffer.from(ppm.subarray(0, 64)).toString("latin1"),
  );
  if (!head) throw new Error("Cannot read the picture: it is no PPM");
  const [width, height] = [Number(head[1]), Number(head[2])];
  const rowBytes = width * 3;
  const pixels = ppm.subarray(head[0].length);
  const rows = Buffer.alloc(height * (rowBytes + 1)); // each begins with its filter: none
  for (let row = 0; row < height; row++)
    rows.set(pixels.subarray(row * rowBytes, (row + 1) * rowBytes), row * (rowBytes + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, true colour
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
