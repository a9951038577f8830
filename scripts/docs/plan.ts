/** How a command of the guides is run. */
export interface Treatment {
  readonly match: RegExp;
  /** It stays up: go on when it has printed this. */
  readonly readyAt?: RegExp;
  /** The exit code it is documented to have; 0 unless given. */
  readonly exitCode?: number;
  /** It is not run here, and this is why. */
  readonly elsewhere?: string;
}

/** The first that matches counts; a command that none matches is run and must end with exit code 0. */
export const treatments: readonly Treatment[] = [
  { match: /^npx -y -p node@24 /, elsewhere: ".ci/run runs it to the letter" },
  { match: /^npm (ci|install)\b/, elsewhere: "the sandbox has its packages already" },
  {
    match: /^npm (test|run (check|torture|bench|gas|rehearse|mutation|nightly|check:docs))\b/,
    elsewhere: "CI runs it, or it takes long",
  },
  {
    match: /affiant deploy --network|hardhat deploy --network/,
    elsewhere: "it needs a public chain; npm run rehearse runs it on a likeness of one",
  },
  {
    match: /ignition verify/,
    elsewhere: "it needs the explorers; test/orchestrator/deploy holds the journal to what they ask",
  },
  {
    match: /affiant governance (upgrade|freeze|handover)/,
    elsewhere: "it needs an address to put in; test/cli/governance.test.ts runs it with one",
  },
  { match: /hardhat keystore/, elsewhere: "it asks for a password on a terminal" },
  {
    match: /log export .*--final/,
    elsewhere: "the chain of npm start makes no blocks without work; the rehearsal runs it",
  },
  { match: /--network (sepolia|mainnet|hoodi)|SEPOLIA|ETHERSCAN/, elsewhere: "it needs a public chain" },
  { match: /^npm start\b/, readyAt: /Ctrl-C/ },
  { match: /affiant -- up\b/, readyAt: / is up; / },
  { match: /guarded-endpoint\/server\.ts/, readyAt: /POST http/ },
  { match: /client\.ts .* 101$/, exitCode: 1 },
  { match: /audit forged\.jsonl/, exitCode: 1 },
  { match: /audit data\/evidence\.jsonl$/, exitCode: 3 },
  {
    match: /relayer\/main\.ts/,
    elsewhere: "npm start runs this very program; test/relayer starts it by these settings",
  },
  { match: /relayer rotate/, elsewhere: "it needs a stopped relayer; test/relayer/rotate.test.ts has one" },
  { match: /relayer jobs retry/, elsewhere: "it needs a request that failed; test/cli/relayer.test.ts makes one" },
  { match: /mcp-proxy/, elsewhere: "it waits for an MCP client; test/cli/mcpProxy.test.ts runs it with one" },
];
