import type { ClientMetadata } from "oidc-provider";

import type { ScopeTable } from "../protocol/access/conditions.ts";
import type { Deployment } from "../protocol/deployment.ts";
import type { ChainView } from "../host/access/chainView.ts";

/** What an authorization server is told of itself. */
export interface AccessSettings {
  /** Issuer identifier: an http(s) URL without query and fragment, under which clients reach this server. */
  readonly issuer: string;
  readonly dataDir: string;
  readonly deployment: Deployment;
  readonly chain: ChainView;
  /** Resource identifier (RFC 8707) → the scopes that it knows. Tokens are issued for these and no others. */
  readonly resources: Readonly<Record<string, readonly string[]>>;
  /** What scopes ask of the chain. One that is not in it asks for an active, attested agent with a policy in force. */
  readonly scopeTable: ScopeTable;
  readonly clients: readonly ClientMetadata[];
  /** Of an access token, at most; it also ends with the attestation it rests on. Default 300. */
  readonly tokenTtlSec?: number;
  /** Default 60. */
  readonly challengeTtlSec?: number;
  /** Challenges that wait for an answer, at most. Default 10,000. */
  readonly mostChallenges?: number;
  /** Requests of an address a minute; 0 = no limit. Default 600. */
  readonly requestsPerMinute?: number;
  /** Wrong proofs of an address a minute, after which no more are verified. Default 20. */
  readonly failuresPerMinute?: number;
  /** Threads that verify proofs. Default 2. */
  readonly proofThreads?: number;
  /** Folder of the circuits' keys; the development ones of this checkout unless given. */
  readonly circuitKeysDir?: string;
  /** Unix seconds. */
  readonly nowSec?: () => number;
}

/** The client that agents of this system are: public, shown by its DPoP key and the login alone. */
export const agentClient: ClientMetadata = {
  client_id: "affiant-agent",
  client_name: "Affiant agent",
  application_type: "native",
  redirect_uris: ["http://127.0.0.1/callback"],
  token_endpoint_auth_method: "none",
};
