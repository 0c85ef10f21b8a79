/**
 * The bucket whose website a host is: "BUCKET.s3-website.DOMAIN", "BUCKET.s3-website-REGION.DOMAIN"; undefined for all
 * other hosts.
 */
export function siteOfHost(host: string | undefined): string | undefined {
  if (host === undefined || !host.includes(".s3-website")) return undefined;
  return /^(.+)\.s3-website[.-][^/]+$/i.exec(host)?.[1]?.toLowerCase();
}
