import { newHeaders, sendXml } from "../answer.ts";
import { operation } from "../call.ts";
import { abortHeaders } from "../expiration.ts";
import { uploadChecksum } from "../headers/checksums.ts";
import { newEncryptionHeaders, wantedEncryption } from "../headers/encryption.ts";
import { newKey } from "../keys.ts";
import { element, xmlDocument } from "../xml/write.ts";
import { demandWrite, saidOf } from "./new-object.ts";

export const createMultipartUpload = operation(async (call) => {
  const { headers: asked, bucket } = call;
  demandWrite(call);
  const about = saidOf(call);
  const checksum = uploadChecksum(asked);
  const encryption = await newKey(call, wantedEncryption(asked, bucket.spec));
  const upload = await call.store.beginUpload(call.place, {
    ...about,
    ...(checksum && { checksum }),
    ...(encryption && { encryption: encryption.about }),
  });
  const headers = newHeaders(call);
  newEncryptionHeaders(headers, upload.encryption);
  abortHeaders(headers, call, upload);
  if (checksum) {
    headers["x-amz-checksum-algorithm"] = checksum.algorithm;
    headers["x-amz-checksum-type"] = checksum.type;
  }
  sendXml(
    call,
    xmlDocument(
      "InitiateMultipartUploadResult",
      element("Bucket", bucket.name) +
        element("Key", call.key) +
        element("UploadId", upload.uploadId),
    ),
    headers,
  );
});
