/** What runs: the form of `pipeline.yaml`. More will come beside `agents`; the format's number then tells. */
export interface Pipeline {
  readonly format: "affiant-pipeline/1";
  readonly name: string;
  readonly agents: readonly PipelineAgent[];
}

export interface PipelineAgent {
  /** Unique in the pipeline; also the name of the agent's folder. */
  readonly name: string;
  /** What it is for, in a few words for people. */
  readonly role: string;
  /** Absolute path of the TypeScript or JavaScript file that its process runs. */
  readonly program: string;
  /** Absolute path of the folder of its policy bundle. */
  readonly policy: string;
}
