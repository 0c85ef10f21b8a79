type Environment = Readonly<Record<string, string>>;

/** What tasks and further agents inherit of the environment: how to find programs and libraries and speak to people, and no secrets. */
const names = /^(PATH|LD_LIBRARY_PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.*|TZ|TMPDIR)$/;

export function inherited(env: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => names.test(name)));
}
