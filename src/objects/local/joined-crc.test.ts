import { equal } from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { JoinedCrc } from "./joined-crc.ts";

const bytes = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 2_654_435_761) >>> 13));

test("JoinedCrc gives the CRC of the whole, wherever it is cut", () => {
  for (const lengths of [[0], [5000], [1, 4999], [4999, 1], [0, 2500, 0, 2500], [7, 7, 7, 4979]]) {
    const joined = new JoinedCrc();
    let at = 0;
    for (const length of lengths) {
      joined.add(crc32(bytes.subarray(at, at + length)), length);
      at += length;
    }
    equal(joined.value, crc32(bytes.subarray(0, at)), String(lengths));
  }
});
