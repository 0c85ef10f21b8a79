/** What one check came to. */
export interface Finding {
  /** What was looked at: "log", "blobs". */
  check: string;
  /** "unknown": it could not be looked at. "repaired": it was a fault. */
  state: "good" | "warning" | "fault" | "repaired" | "unknown";
  detail: string;
  /** What can be done about it. */
  remedy?: string;
}

/** One finding for what is all right, else those given. */
export function goodUnless(check: string, detail: string, findings: Finding[]): Finding[] {
  return findings.length > 0 ? findings : [{ check, state: "good", detail }];
}
