// With a bundler: import { … } from "@affiant/sdk/auditor".
import { auditEvidence, formatAuditReport, RpcChain } from "./affiant/auditor.js";

const byId = (id) => document.getElementById(id);
const outcome = byId("outcome");

byId("run").addEventListener("click", async () => {
  const [file] = byId("file").files;
  if (!file) return void (outcome.textContent = "Choose a file first.");
  outcome.textContent = "Checking…";
  const url = byId("rpc").value;
  try {
    const chain = url ? await RpcChain.open(url) : undefined;
    const report = await auditEvidence(new Uint8Array(await file.arrayBuffer()), { chain });
    chain?.close();
    byId("report").textContent = formatAuditReport(report);
    const { fails, unproven } = report.summary.verdicts;
    outcome.textContent =
      fails > 0
        ? `${fails} verdicts fail`
        : unproven > 0
          ? `${unproven} verdicts stay unproven`
          : "Every verdict holds";
  } catch (error) {
    outcome.textContent = `${error.code ?? "Error"}: ${error.message}`;
  }
});
