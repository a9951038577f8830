/** The auditor beside the page: what it checks never blocks what is looked at. */
import { auditInDetail, type DetailedAudit } from "../../../auditor/audit.ts";
import { RpcChain } from "../../../auditor/chain/rpcChain.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { detailOf } from "../../model/detail.ts";
import type { AuditRequest, Request, Response } from "../../model/messages.ts";
import { nameOf } from "../../model/names.ts";
import type { Delegation } from "../../../protocol/ucan/delegation.ts";
import { delegationInWords } from "../../../protocol/ucan/words.ts";
import { overviewOf, wordsWithNames } from "../../model/overview.ts";
import { previewOf } from "../../model/preview.ts";
import { ProblemTable, rowOf } from "../../model/row.ts";
import { startCedar } from "./cedar.ts";

/** Rows in one message: enough to be quick, few enough that the page draws between two. */
const chunkSize = 5000;
const previewSize = 500;

let audited: DetailedAudit | undefined;
let inWords: (delegation: Delegation) => string = delegationInWords;

function say(response: Response): void {
  self.postMessage(response);
}

self.onmessage = ({ data }: MessageEvent<Request>) => {
  if (data.type === "audit") void audit(data).catch(saySorry);
  else {
    const detail = audited && detailOf(audited, data.n, inWords);
    if (detail) say({ type: "detail", detail });
  }
};

async function audit({ bytes, cedar, rpcUrl, contracts, keyEscrow, names }: AuditRequest): Promise<void> {
  const named = (did: string): string => nameOf(names, did);
  say({ type: "preview", rows: previewOf(bytes, previewSize, named) });
  await startCedar(cedar);
  const trusted = { contracts: contracts ?? undefined, keyEscrow: keyEscrow ?? undefined };
  audited = await withChain(rpcUrl, (chain) =>
    auditInDetail(bytes, {
      ...trusted,
      chain,
      onProgress: ({ stage, done, total }) => say({ type: "progress", stage, done, total }),
    }),
  );
  inWords = wordsWithNames(audited.scope, named);
  const table = new ProblemTable();
  const rows = audited.acts.map((record, n) => rowOf(record, n, table, named));
  say({ type: "overview", overview: overviewOf(audited, table.problems, named) });
  for (let at = 0; at < rows.length; at += chunkSize) say({ type: "rows", rows: rows.slice(at, at + chunkSize) });
  say({ type: "done" });
}

/** An endpoint that is away leaves unproven what only it would say; what the file itself proves is checked all the same. */
async function withChain(
  rpcUrl: string | null,
  run: (chain: RpcChain | undefined) => Promise<DetailedAudit>,
): Promise<DetailedAudit> {
  if (rpcUrl === null) return run(undefined);
  let chain: RpcChain | undefined;
  try {
    chain = await RpcChain.open(rpcUrl);
    return await run(chain);
  } catch (error) {
    if (!isAffiantError(error, "ERR_UNAVAILABLE_CHAIN")) throw error;
    say({ type: "silent", message: error.message });
    return run(undefined);
  } finally {
    chain?.close();
  }
}

function saySorry(error: unknown): void {
  const code = isAffiantError(error) ? error.code : "ERR_INTERNAL_PAGE";
  say({ type: "failed", code, message: error instanceof Error ? error.message : String(error) });
}
