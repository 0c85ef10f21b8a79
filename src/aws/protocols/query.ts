import { AwsError } from "#/model/aws-error.ts";
import { escapeXml } from "../xml/escape.ts";
import type { Incoming, Outgoing, Protocol } from "./protocol.ts";
import {
  awsDialect,
  ec2Dialect,
  parseQuery,
  readMembers,
  type QueryDialect,
  type QueryNode,
} from "./query-read.ts";
import { readable } from "./readable.ts";
import { requireMembers } from "./required.ts";
import { membersXml } from "./xml-write.ts";

/** The parameters of a call, from its body or its address. Throws "MalformedQueryString". */
export function queryOf({ body, target }: Pick<Incoming, "body" | "target">): QueryNode {
  const inBody = body && body.length > 0 ? Buffer.from(body).toString("latin1") : "";
  return readable(
    () => parseQuery(inBody === "" ? target.query : inBody),
    (why) => new AwsError("MalformedQueryString", 400, `The query string is malformed: ${why}`),
  );
}

function reader(dialect: QueryDialect): Protocol["read"] {
  return ({ input }, incoming) => {
    const query = queryOf(incoming);
    const read = readable(
      () => readMembers(dialect, input, query),
      (why) => new AwsError("InvalidParameterValue", 400, `The parameters cannot be read: ${why}`),
    );
    requireMembers(
      input,
      read,
      (member) =>
        new AwsError(
          "MissingParameter",
          400,
          `The request must contain the parameter ${dialect.nameOf(member)}`,
        ),
    );
    return read;
  };
}

const xmlHead = (): Record<string, string> => ({ "content-type": "text/xml" });

/** What IAM and STS speak, and SQS did. */
export const awsQuery: Protocol = {
  read: reader(awsDialect),
  write({ name, output }, value, { service, requestId }): Outgoing {
    const inner = membersXml(output, value);
    const result = output.type === "unit" ? "" : `<${name}Result>${inner}</${name}Result>`;
    return {
      status: 200,
      headers: xmlHead(),
      body: `<${name}Response xmlns="${service.xmlNamespace}">${result}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${name}Response>`,
    };
  },
  writeError(error, { service, requestId }, about): Outgoing {
    const type = error.status < 500 ? "Sender" : "Receiver";
    const code = about?.queryCode ?? error.awsCode;
    return {
      status: about?.queryStatus ?? error.status,
      headers: { ...xmlHead(), ...error.headers },
      body: `<ErrorResponse xmlns="${service.xmlNamespace}"><Error><Type>${type}</Type><Code>${code}</Code><Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
    };
  },
};

/** What EC2 speaks. */
export const ec2Query: Protocol = {
  read: reader(ec2Dialect),
  write({ name, output }, value, { service, requestId }): Outgoing {
    return {
      status: 200,
      headers: xmlHead(),
      body: `<?xml version="1.0" encoding="UTF-8"?>\n<${name}Response xmlns="${service.xmlNamespace}"><requestId>${requestId}</requestId>${membersXml(output, value)}</${name}Response>`,
    };
  },
  writeError(error, { requestId }): Outgoing {
    return {
      status: error.status,
      headers: { ...xmlHead(), ...error.headers },
      body: `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${error.awsCode}</Code><Message>${escapeXml(error.message)}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`,
    };
  },
};
