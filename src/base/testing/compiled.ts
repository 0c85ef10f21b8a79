import { fileURLToPath } from "node:url";

const own = fileURLToPath(new URL("../../../node_modules/.cache/compiled", import.meta.url));

/**
 * For programs of this tree that a test starts with an environment of their own: they keep what they compile where
 * the tests do. Each with a home of its own would otherwise compile all of it anew, which is half of its start.
 */
export const compiledEnv = { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? own };
