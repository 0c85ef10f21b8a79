/** A queue's policy, as AddPermission makes and changes it. */
export interface QueuePolicy {
  Version: string;
  Id: string;
  Statement: ({ Sid?: string } & Record<string, unknown>)[];
}

export function policyOf(text: string | undefined, arn: string): QueuePolicy {
  const given = text === undefined ? {} : (JSON.parse(text) as Partial<QueuePolicy>);
  return {
    Version: "2012-10-17",
    Id: `${arn}/SQSDefaultPolicy`,
    ...given,
    Statement: [given.Statement ?? []].flat(),
  };
}
