import { AwsError } from "#/model/aws-error.ts";

// Errors that more than one operation on buckets gives, worded as S3 words them.

export function invalidArgument(message: string, name: string, value = ""): AwsError {
  return new AwsError("InvalidArgument", 400, message, {
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}

export const invalidRequest = (message: string): AwsError =>
  new AwsError("InvalidRequest", 400, message);

const malformed = (code: string) =>
  new AwsError(
    code,
    400,
    "The XML you provided was not well-formed or did not validate against our published schema",
  );

export const malformedXml = (): AwsError => malformed("MalformedXML");

export const malformedAcl = (): AwsError => malformed("MalformedACLError");

export const accessDenied = (): AwsError => new AwsError("AccessDenied", 403, "Access Denied");
