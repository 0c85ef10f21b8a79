import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";

/** All of a body that is a document. Throws "EntityTooLarge" before more is read than may be. */
export async function readDocument(
  body: AsyncIterable<Uint8Array>,
  announced: string | undefined,
  bytesMax: number = limits.awsDocumentBytesMax,
): Promise<Uint8Array> {
  if (announced !== undefined && Number(announced) > bytesMax) throw tooLarge(bytesMax);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    pieces.push(piece);
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

function tooLarge(bytesMax: number): AwsError {
  return new AwsError(
    "EntityTooLarge",
    400,
    `Your request was too big: a document may have ${bytesMax} bytes`,
    {
      fields: { MaxSizeAllowed: String(bytesMax) },
      headers: { connection: "close" },
    },
  );
}
