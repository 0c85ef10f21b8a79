import type { AnyOperation } from "./call.ts";
import type { Service } from "./service.ts";

const loaded = new WeakMap<Service, Map<string, AnyOperation>>();

/** An operation of a service, loaded when it is first asked for; undefined where there is none. */
export function operationOf(
  service: Service,
  name: string,
): AnyOperation | Promise<AnyOperation> | undefined {
  let known = loaded.get(service);
  if (!known) loaded.set(service, (known = new Map()));
  const operation = known.get(name);
  if (operation || !Object.hasOwn(service.operations, name)) return operation;
  return service.operations[name]!().then((made) => {
    known.set(name, made);
    return made;
  });
}
