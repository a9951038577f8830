import { readAgentFacts } from "../../agent/keys/agentFolder.ts";
import { type KeyDid, parseKeyDidText } from "../../protocol/did/key.ts";

/**
 * Whose right a contract is to be about: a did:key, or the name of an agent of this machine. It has to be said, because a
 * contract says of anybody that the right is theirs.
 * @throws AffiantError ERR_INPUT_DID, ERR_INPUT_PUBLIC_KEY, ERR_NOT_FOUND_AGENT
 */
export async function ownerOf(text: string, dataDir: string): Promise<KeyDid> {
  if (text.startsWith("did:")) return parseKeyDidText(text);
  return (await readAgentFacts(dataDir, text)).signingKey;
}
