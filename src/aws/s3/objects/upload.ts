import type { PutOptions, Upload } from "#/objects/object-store.ts";
import { parameter, type ObjectCall } from "../call.ts";
import { invalidRequest, noSuchUpload } from "../errors.ts";
import type { AnnouncedChecksum } from "../headers/checksums.ts";
import { customerKey, openedBy } from "../headers/encryption.ts";
import { openKey } from "../keys.ts";
import { standardChecksum } from "./new-object.ts";
import { partNumberOf } from "./read-object.ts";

/** The upload that a call names. Throws "NoSuchUpload". */
export async function uploadOf(call: ObjectCall): Promise<Upload> {
  const uploadId = parameter(call, "uploadId") ?? "";
  const upload = uploadId === "" ? undefined : await call.store.findUpload(call.place, uploadId);
  if (!upload) throw noSuchUpload(uploadId);
  return upload;
}

/** The number of the part. Throws "InvalidArgument". */
export const partNumber = (call: ObjectCall): number =>
  partNumberOf(parameter(call, "partNumber") ?? "");

/** What the parts of an upload are encrypted with. Throws "InvalidRequest" for the key of another one, or none. */
export function partEncryption(
  call: ObjectCall,
  { encryption }: Upload,
): Pick<PutOptions, "encryption"> {
  const customer = customerKey(call.headers);
  if (encryption?.mode === "SSE-C") {
    if (!customer)
      throw invalidRequest(
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.",
      );
    if (customer.md5 !== encryption.customerKeyMd5)
      throw invalidRequest(
        "The provided encryption parameters did not match the ones used originally.",
      );
  } else if (customer)
    throw invalidRequest(
      "The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.",
    );
  const key = openedBy(encryption, customer) ?? openKey(call, encryption);
  return encryption && key ? { encryption: { about: encryption, key } } : {};
}

/**
 * What a part's checksum is made with: that of its upload, or the standard one where it has none. Throws "InvalidRequest" for a part
 * that comes with another.
 */
export function partChecksum(
  { checksum }: Upload,
  announced: AnnouncedChecksum | undefined,
  isCopy = false,
): AnnouncedChecksum {
  if (!checksum)
    return announced?.algorithm === standardChecksum.algorithm ? announced : standardChecksum;
  if (announced?.algorithm === checksum.algorithm) return announced;
  // Those of all bytes can be computed here; of composite ones the client must have its own.
  if (!announced && (checksum.type === "FULL_OBJECT" || isCopy))
    return { algorithm: checksum.algorithm, inTrailer: false };
  throw invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${checksum.algorithm.toLowerCase()}, actual checksum Type: ${announced?.algorithm.toLowerCase() ?? "null"}`,
  );
}
