/** One side of a conversation, as texts of one message each: what passes through is never parsed and printed anew. */
export interface MessagePort {
  /** `httpStatus`: under which an answer came, where it came over HTTP and not under 200. */
  onText: ((text: string, httpStatus?: number) => void) | undefined;
  onClose: (() => void) | undefined;
  onProblem: ((problem: unknown) => void) | undefined;
  /** Told of requests that will get no answer of the other side's own; a port that cannot know that never does. */
  onFailure?: ((failure: PortFailure) => void) | undefined;
  /** Nothing comes before this. */
  start(): Promise<void>;
  /** Resolves when the message is on its way; an answer to it comes later, as a message or a failure. */
  send(text: string, httpStatus?: number): Promise<void>;
  close(): Promise<void>;
}

/** A request without an answer. */
export interface PortFailure {
  /** The request's id as it stands in its text. */
  readonly id: string;
  /** In words, for the client and for the entry. */
  readonly why: string;
  readonly httpStatus?: number;
  /** JSON-RPC's code and data, where the other side gave some without saying for which request. */
  readonly rpcCode?: number;
  readonly rpcData?: unknown;
  /** The client gave the request up itself, and waits for nothing. */
  readonly isCancelled?: boolean;
}
