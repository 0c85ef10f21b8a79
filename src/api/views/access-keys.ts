import type { AccessKeyRecord } from "#/model/access-key.ts";
import type { AccessKeyView } from "#/model/access-key-views.ts";

export function accessKeyViewOf({ name, project, spec }: AccessKeyRecord): AccessKeyView {
  return {
    accessKeyId: name,
    project,
    ...(spec.title !== undefined && { title: spec.title }),
    ...(spec.user !== undefined && { user: spec.user }),
    isActive: spec.isActive,
    createdAt: new Date(spec.createdAt).toISOString(),
  };
}
