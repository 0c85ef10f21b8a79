import { escapeXml } from "../../xml/escape.ts";

const xmlHead = '<?xml version="1.0" encoding="UTF-8"?>\n';
const space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

/** A whole document in S3's namespace; `inner` is XML already. */
export const xmlDocument = (root: string, inner: string): string =>
  `${xmlHead}<${root} ${space}>${inner}</${root}>`;

/** `<name>text</name>`, escaped; nothing for what is absent. */
export function element(name: string, text: string | number | boolean | undefined): string {
  if (text === undefined) return "";
  return `<${name}>${typeof text === "string" ? escapeXml(text) : text}</${name}>`;
}

/** As S3 tells times in documents: "2026-11-23T09:00:00.000Z". */
export const xmlTime = (ms: number): string => new Date(ms).toISOString();

/** As lists encode keys when a client asks for "encoding-type=url": forms' encoding, slashes kept. */
export function urlEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll("%20", "+")
    .replaceAll("%2F", "/")
    .replaceAll(/[!'()~]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}
