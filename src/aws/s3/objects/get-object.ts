import { operation } from "../call.ts";
import { readObject } from "./read-object.ts";

export const getObject = operation((call) => readObject(call, false));
