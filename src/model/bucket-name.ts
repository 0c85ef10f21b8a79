/**
 * True for what may name a bucket: 3 to 63 lower-case letters, digits, dots and hyphens, in labels that begin and end
 * with a letter or a digit, not like an address, and without what S3 keeps for itself.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function isBucketName(name: string): boolean {
  return (
    name.length >= 3 &&
    name.length <= 63 &&
    labels.test(name) &&
    !address.test(name) &&
    !/^(?:xn--|sthree-|amzn-s3-demo-)/.test(name) &&
    !/(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3|-\d{12}-[a-z0-9-]+-an)$/.test(name)
  );
}

const label = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?";
const labels = new RegExp(`^${label}(?:\\.${label})*$`);
const address = /^\d+\.\d+\.\d+\.\d+$/;
