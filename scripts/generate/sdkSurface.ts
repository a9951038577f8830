import { sdkSurface as surface } from "../sdk/surface.ts";
import type { GeneratedFile } from "./generatedFile.ts";

export function sdkSurface(): GeneratedFile[] {
  return [{ path: "snapshots/sdk-surface.txt", text: surface() }];
}
