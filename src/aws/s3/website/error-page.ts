import type { AwsError } from "#/model/aws-error.ts";
import { escapeXml } from "../../xml/escape.ts";

const titles: Record<number, string> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  412: "Precondition Failed",
  416: "Requested Range Not Satisfiable",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** What a website shows for an error when it has no page of its own for it. */
export function errorPage(error: AwsError, requestId: string): string {
  const title = `${error.status} ${titles[error.status] ?? "Error"}`;
  const items = Object.entries({
    Code: error.awsCode,
    Message: error.message,
    ...error.fields,
    RequestId: requestId,
  }).map(([name, value]) => `<li>${name}: ${escapeXml(value)}</li>`);
  return `<html>
<head><title>${title}</title></head>
<body>
<h1>${title}</h1>
<ul>
${items.join("\n")}
</ul>
<hr/>
</body>
</html>
`;
}
