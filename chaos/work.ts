import { createHash } from "node:crypto";

/** What tasks compute, so that anyone can tell the right result: a function of the input and nothing else. */
export const moduleSource = `
import { appendFileSync } from "node:fs";
const agent = process.ppid; // while it lives: a process without its parent has another
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const plain = async (seed, index) => ({ seed, value: (seed * 31 + index * index) % 1000003 });
export const slow = async (seed, index, ms) => {
  await rest(ms);
  return { seed, value: (seed * 31 + index * index) % 1000003 };
};
export const marked = async (seed, index, ms, file) => {
  appendFileSync(file, [index, agent, process.pid, Date.now()].join(" ") + "\\n");
  await rest(ms);
  return { seed, value: (seed * 31 + index * index) % 1000003 };
};
`;

/** The result of any of its functions, as the API tells it. */
export function resultOf(seed: number, index: number): { seed: number; value: number } {
  return { seed, value: (seed * 31 + index * index) % 1_000_003 };
}

/** What a program's task leaves as its file. */
export function fileOf(seed: number, index: number): string {
  return `${seed} ${index}\n`;
}

export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
