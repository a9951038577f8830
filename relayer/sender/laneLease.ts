/**
 * Who may drive a lane (one sender key, one line of nonces). Two drivers of one lane would claim the same nonces, so a
 * lane asks before each pass, and every write of the pass carries the answer: the journal refuses, inside the
 * transaction, a token below the highest it has seen for the lane (`ERR_CONFLICT_LANE_LOST`). A process that was paused
 * past the end of its lease thus cannot write, whatever it believes.
 */
export interface LaneLease {
  /**
   * Takes or renews the lead of a lane.
   * @param lane address of the sender key, EIP-55
   * @returns the fencing token under which this process may write now, which never falls and grows with each change of
   * the leader; undefined while another process leads
   */
  lead(lane: string): Promise<number | undefined>;
  /** Gives the lead up, so that another process need not wait for its end. */
  release(lane: string): Promise<void>;
}

/** One process on one data folder, which a lock guards: it leads every lane, always. */
export const soleLease: LaneLease = {
  lead: () => Promise.resolve(0),
  release: () => Promise.resolve(),
};
