/** The build gives it: Cedar's WebAssembly, base64. */
declare module "affiant:cedar-wasm" {
  const base64: string;
  export default base64;
}
