/** Packages that find files of their own beside their code, or that few need. They stay where they are. */
export const external: readonly string[] = [
  "@cedar-policy/cedar-wasm",
  "snarkjs",
  "hardhat",
  "esbuild",
  "@foundry-rs/anvil",
  "solc",
  "circom2",
  "*.node",
];
