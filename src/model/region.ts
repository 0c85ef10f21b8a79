/** What a cloud calls itself as a region of AWS: the one that clients take for granted. */
export const region = "us-east-1";
