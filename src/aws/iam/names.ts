import { validationError } from "./errors.ts";

/** Checks a name that someone gives: letters, digits and +=,.@_- */
export function checkedName(name: string, member: string, lengthMax: number): string {
  if (!/^[\w+=,.@-]+$/.test(name) || name.length > lengthMax)
    throw validationError(
      `The specified value for ${member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_- and have at most ${lengthMax} characters`,
    );
  return name;
}

/** "/" when nobody said. */
export function checkedPath(path: string | undefined): string {
  if (path === undefined) return "/";
  if (!/^(?:\/|\/[\u0021-\u007E]+\/)$/.test(path) || path.length > 512)
    throw validationError(
      "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    );
  return path;
}
