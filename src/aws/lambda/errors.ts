import { AwsError } from "#/model/aws-error.ts";

/** As Lambda writes its errors: each says whose fault it is. */
export function lambdaError(code: string, status: number, message: string): AwsError {
  const fields = { Type: status < 500 ? "User" : "Service" };
  return new AwsError(code, status, message, { fields });
}

export const invalidParameter = (message: string) =>
  lambdaError("InvalidParameterValueException", 400, message);

export function notFound(message: string): AwsError {
  // Of all errors this one alone has a capital letter there.
  const fields = { Type: "User", Message: message };
  return new AwsError("ResourceNotFoundException", 404, message, { fields });
}

/** What does not fit the service's model: "Member must have value less than or equal to 900". */
export function invalidMember(member: string, value: unknown, constraint: string): AwsError {
  const shown = String(value).slice(0, 200);
  return lambdaError(
    "ValidationException",
    400,
    `1 validation error detected: Value '${shown}' at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

export function requireBetween(
  member: string,
  value: number | undefined,
  min: number,
  max: number,
): void {
  if (value === undefined) return;
  if (value < min)
    throw invalidMember(member, value, `Member must have value greater than or equal to ${min}`);
  if (value > max)
    throw invalidMember(member, value, `Member must have value less than or equal to ${max}`);
}

export function requireLength(member: string, value: string | undefined, max: number): void {
  if (value !== undefined && value.length > max)
    throw invalidMember(member, value, `Member must have length less than or equal to ${max}`);
}

export function requirePattern(member: string, value: string | undefined, pattern: RegExp): void {
  if (value === undefined || new RegExp(`^(?:${pattern.source})$`).test(value)) return;
  throw invalidMember(
    member,
    value,
    `Member must satisfy regular expression pattern: ${pattern.source}`,
  );
}
