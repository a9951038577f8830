import type { Bundles } from "../../orchestrator/bundle/bundlePrograms.ts";

export function builtFresh(root: string): boolean;
export function markBuilt(root: string): void;
export function freshBundles(root: string): Bundles | undefined;
