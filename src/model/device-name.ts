/** "/dev/sdf", "/dev/xvdf", "/dev/vdb", "sdf". */
export function isDeviceName(name: string): boolean {
  return /^(?:\/dev\/)?(?:sd|xvd|vd|hd)[a-z]{1,2}[0-9]{0,2}$/.test(name);
}

/** "sdf" of "/dev/sdf": two names of one device have the same. */
export const bareDeviceName = (name: string): string => name.replace(/^\/dev\//, "");
