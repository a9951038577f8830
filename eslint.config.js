import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "node_modules",
      "artifacts",
      "cache",
      "types",
      "data",
      "dist",
      "sdk/dist",
      "circuits/build",
      "protocol/generated",
    ],
  },
  ...tseslint.configs.recommended,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      eqeqeq: "error",
      // Node strips types, it does not translate them: only syntax that can be erased.
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Node cannot strip an enum" },
        { selector: "TSParameterProperty", message: "Node cannot strip a parameter property" },
        {
          selector:
            "ImportDeclaration[importKind='value'][source.value=/(Worker|Process|main)\\.ts$/][specifiers.length>0]:not(:has(ImportSpecifier[importKind='value']))",
          message: "Write `import type { … }`: otherwise that process's code is run here",
        },
        { selector: "TSModuleDeclaration[kind='namespace']", message: "Node cannot strip a namespace" },
      ],
      "no-console": "off",
    },
  },
  // `import { type X }` leaves an import behind that runs the module. What is imported around the prover takes most of a
  // second to load (snarkjs), or is the code of another thread or process.
  {
    files: ["agent/proving/**", "circuits/**", "protocol/zk/**", "relayer/proofs/**"],
    rules: { "@typescript-eslint/no-import-type-side-effects": "error" },
  },
  // chai's assertions are property reads, and a test may assert away an undefined that it just checked.
  {
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-unused-expressions": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  // Declarations are never run.
  { files: ["**/*.d.ts"], rules: { "no-restricted-syntax": "off" } },
  { files: ["**/*.js"], ...tseslint.configs.disableTypeChecked },
);
