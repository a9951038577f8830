/**
 * The process that proves. It is a process and not a worker thread because snarkjs spreads its work over threads of its
 * own, which cannot be started from within one. It ends when its parent lets go of the pipe, however that happens.
 *
 * Arguments: circuit name, folder of the artifacts.
 */
import { readProvingArtifacts } from "../../circuits/artifacts.ts";
import { withWorkers } from "../../circuits/curve.ts";
import { groth16 } from "../../circuits/snarkjsBuild.ts";
import type { CircuitName } from "../../protocol/zk/publicSignals.ts";
import type { ProveRequest, ProveResponse, ReadyMessage } from "./messages.ts";

const [circuit, folder] = process.argv.slice(2) as [CircuitName, string];

/** circom's runtime tells a broken constraint from a broken program only by its text. */
const brokenConstraint = /Assert Failed|Error in template/;

function send(message: ProveResponse | ReadyMessage): void {
  process.send?.(message);
}

process.once("disconnect", () => process.exit(0));
try {
  const artifacts = readProvingArtifacts(circuit, folder);
  // Met below: the curve is being built meanwhile.
  artifacts.catch(() => undefined);
  await withWorkers(async () => {
    const { wasm, zkey } = await artifacts;
    let last: Promise<void> = Promise.resolve();
    const prove = async ({ id, input }: ProveRequest): Promise<void> => {
      try {
        const { proof, publicSignals } = await groth16.fullProve(input, wasm, zkey);
        send({ id, proof, publicSignals });
      } catch (error) {
        const message = (error as Error).message;
        send({ id, error: brokenConstraint.test(message) ? "witness" : "failure", message });
      }
    };
    // One at a time: each proof already uses every core.
    process.on("message", (request: ProveRequest) => {
      last = last.then(() => prove(request));
    });
    send({ ready: true });
    await new Promise(() => undefined);
  });
} catch (error) {
  send({ ready: false, message: (error as Error).message });
  process.disconnect();
}
