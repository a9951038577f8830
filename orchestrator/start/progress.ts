/** How the system tells a person what it is doing. */
export interface Progress {
  /** A stage begins. */
  begin(what: string): void;
  /** News from the stage that is under way. */
  update(news: string): void;
  /** The stage ended well. */
  done(outcome: string): void;
  /** Something worth knowing that is no stage, e.g. a process that was started again. */
  note(text: string): void;
  /** No stage is under way any more, however it ended. */
  end?(): void;
}
