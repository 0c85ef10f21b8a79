import { operation } from "../call.ts";
import { readObject } from "./read-object.ts";

export const headObject = operation((call) => readObject(call, true));
