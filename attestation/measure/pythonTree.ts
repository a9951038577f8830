import { dirname } from "node:path";

import { filesBelow } from "./nodeTree.ts";

/**
 * The modules beside a Python script, compiled ones among them: a `.pyc` with the right time in its head is run instead of
 * its source. The standard library and site-packages lie elsewhere; name them by `include` if they are to be measured.
 */
export function pythonTree(script: string): Promise<string[]> {
  return filesBelow(dirname(script), (name) => /\.(?:py|pyc|pyd|so|pth)$/.test(name));
}
