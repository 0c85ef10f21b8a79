/** Log lines for the operator. Tasks' output is something else: it goes to `logs/`. */
export interface Log {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

const nothing = () => {};

/** Says nothing. */
export const silent: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
