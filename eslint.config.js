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
      // `import { type X }` alone leaves an import behind that runs the module: a slower start, or the code of another
      // thread or process run here.
      "@typescript-eslint/no-import-type-side-effects": "error",
      eqeqeq: "error",
      // Node strips types, it does not translate them: only syntax that can be erased.
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Node cannot strip an enum" },
        { selector: "TSParameterProperty", message: "Node cannot strip a parameter property" },
        { selector: "TSModuleDeclaration[kind='namespace']", message: "Node cannot strip a namespace" },
      ],
      "no-console": "off",
    },
  },
  // What is printed goes through host/terminal, which lets nothing of others reach a terminal as it is.
  {
    files: ["{cli,orchestrator,attestation,relayer,host,agent,adapters,auditor,protocol,circuits,ignition}/**/*.ts"],
    ignores: ["host/terminal/**", "cli/progress.ts"],
    rules: {
      "no-console": "error",
      "no-restricted-properties": [
        "error",
        ...["stdout", "stderr"].map((property) => ({
          object: "process",
          property,
          message: "Print with host/terminal",
        })),
      ],
    },
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
