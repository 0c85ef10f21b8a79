/** A message to a place outside. Its id is the same however often it is told. */
export interface Message {
  id: string;
  at: number;
  body: string;
  /** The service that tells it, as AWS names those that send: "s3.amazonaws.com". */
  sender: string;
}

/** A kind of place that can be told of what happens in buckets and to instances. */
export interface Place {
  /** Messages that one such place takes at once. */
  readonly atOnceMax: number;
  /** Whether there is one of this name that a project may have told. */
  isThere(arn: string, project: string): boolean;
  /** Resolves when it has the message for good; throws when that is not sure. */
  tell(arn: string, project: string, message: Message): Promise<void>;
}

/** The places that a cloud knows, by the service in their ARN: "sqs", "webhook". */
export type Places = Readonly<Record<string, Place>>;

export const placeOf = (places: Places, arn: string): Place | undefined =>
  places[arn.split(":")[2] ?? ""];
