import { AffiantError } from "../errors/affiantError.ts";

/** `RoundSchedule` of the AttestationRegistry, in blocks. */
export interface RoundLengths {
  readonly drawDelay: number;
  readonly drawWindow: number;
  readonly silenceDelay: number;
  readonly roundLength: number;
  readonly trustLength: number;
  readonly revealDepth: number;
}

/** All lengths that a deployment fixes, in blocks. */
export interface DeployedLengths extends RoundLengths {
  /** Between the guardians' agreement and its earliest effect, at least. */
  readonly minRecoveryDelay: number;
}

/** What the lengths are meant to be, in seconds, wherever the contracts are deployed. */
export const lengthsInSeconds: DeployedLengths = {
  drawDelay: 24,
  drawWindow: 1_200,
  silenceDelay: 300,
  roundLength: 1_200,
  trustLength: 86_400,
  revealDepth: 24,
  minRecoveryDelay: 3_600,
};

/** Seconds a block of Ethereum, and of local chains, whose own clock says nothing. */
export const defaultBlockSec = 12;

/** The contract takes no longer window: the EVM knows the hashes of the last 256 blocks. */
const maxDrawWindow = 250;
const [fastest, slowest] = [0.05, 600];

/**
 * The lengths in blocks of a chain with a block every `blockSec` seconds, rounded up. What guards against another order of
 * the newest blocks is at least two blocks long. On chains with a block in less than 4.8 s the draw's window is shorter than
 * meant: 250 blocks.
 * @throws AffiantError ERR_INPUT_CONFIG outside of 0.05 to 600 seconds
 */
export function lengthsAt(blockSec: number): DeployedLengths {
  if (!(blockSec >= fastest && blockSec <= slowest)) {
    throw new AffiantError("ERR_INPUT_CONFIG", `a block every ${blockSec} seconds: no delay would mean anything`, {
      details: { blockSec, fastest, slowest },
    });
  }
  // A measured block time is no round number: 86,400 s of 12.000001 s are not one block less.
  const blocks = (seconds: number): number => Math.max(2, Math.ceil(Number((seconds / blockSec).toFixed(3))));
  const drawWindow = Math.min(maxDrawWindow, Math.max(8, blocks(lengthsInSeconds.drawWindow)));
  const silenceDelay = blocks(lengthsInSeconds.silenceDelay);
  // Four stretches of seats that are called one after the other, as many as there are in 20 minutes.
  const roundLength = Math.max(4 * silenceDelay, blocks(lengthsInSeconds.roundLength));
  return {
    drawDelay: blocks(lengthsInSeconds.drawDelay),
    drawWindow,
    silenceDelay,
    roundLength,
    trustLength: Math.max(4 * roundLength, blocks(lengthsInSeconds.trustLength)),
    revealDepth: Math.min(Math.floor(drawWindow / 2), blocks(lengthsInSeconds.revealDepth)),
    minRecoveryDelay: blocks(lengthsInSeconds.minRecoveryDelay),
  };
}
