import { listOf, ordinal, type Projection, set, textOf, update } from "./projection.ts";

/**
 * Groups that share keys, by id: their members (`group/member/…`), epochs (`group/epoch/…`), who acknowledged one, what was
 * said to be delivered wrong, and the trustees' recoveries (`recovery/…`). Whether an epoch still holds is not in here: that
 * is the trust of its members at a block (`trust.ts`).
 */
export const groups: Projection = {
  name: "groups",
  version: 1,
  on: {
    "keyEscrow.GroupCreated": ({ args, blockNumber }) => {
      const { publisherKey = "", graceBlocks = 0 } = args;
      return [set(textOf(args["group"]), { publisherKey, graceBlocks, createdAtBlock: blockNumber, epoch: 0 })];
    },
    "keyEscrow.PublisherKeySet": ({ args }) => [
      update(textOf(args["group"]), (row) => ({ ...row, publisherKey: args["publisherKey"] ?? "" })),
    ],
    "keyEscrow.GraceSet": ({ args }) => [
      update(textOf(args["group"]), (row) => ({ ...row, graceBlocks: args["graceBlocks"] ?? 0 })),
    ],
    "keyEscrow.MemberAdded": ({ args, blockNumber }) => [
      set(`${textOf(args["group"])}/member/${textOf(args["member"])}`, { isMember: true, sinceBlock: blockNumber }),
    ],
    "keyEscrow.MemberRemoved": ({ args, blockNumber }) => [
      set(`${textOf(args["group"])}/member/${textOf(args["member"])}`, { isMember: false, sinceBlock: blockNumber }),
    ],
    "keyEscrow.EpochPublished": ({ args, blockNumber }) => {
      const group = textOf(args["group"]);
      const { epoch = 0, membersRoot = "", keyCommitment = "" } = args;
      const members = listOf(args["members"]);
      return [
        update(group, (row) => ({ ...row, epoch, epochSinceBlock: blockNumber })),
        set(`${group}/epoch/${ordinal(epoch)}`, {
          epoch,
          keyCommitment,
          members,
          membersRoot,
          sinceBlock: blockNumber,
        }),
      ];
    },
    "keyEscrow.Acknowledged": ({ args, blockNumber }) => [
      set(`${textOf(args["group"])}/acknowledged/${ordinal(args["epoch"])}/${textOf(args["member"])}`, {
        atBlock: blockNumber,
      }),
    ],
    "keyEscrow.MisdeliveryReported": ({ args, blockNumber, logIndex }) => {
      const { sealedKeyHash = "", proofHash = "", member = "" } = args;
      const place = `${ordinal(args["epoch"])}/${ordinal(blockNumber)}/${ordinal(logIndex)}`;
      return [set(`${textOf(args["group"])}/misdelivery/${place}`, { member, sealedKeyHash, proofHash })];
    },
    "keyEscrow.TrusteesSet": ({ args, blockNumber }) => {
      const { generation = 0, trustees = [], commitments = [] } = args;
      const group = textOf(args["group"]);
      return [
        update(group, (row) => ({ ...row, generation })),
        set(`${group}/trustees/${ordinal(generation)}`, { trustees, commitments, sinceBlock: blockNumber }),
      ];
    },
    "keyEscrow.RecoveryRequested": ({ args, blockNumber }) => {
      const { group = "", agent = "", epoch = 0, generation = 0, recipientKey = "" } = args;
      const row = { group, agent, epoch, generation, recipientKey, approvals: 0, state: "requested", blockNumber };
      return [{ key: `recovery/${textOf(args["requestId"])}`, to: () => row }];
    },
    "keyEscrow.RecoveryApproved": ({ args }) => [
      update(`recovery/${textOf(args["requestId"])}`, (row) => ({ ...row, approvals: args["approvals"] ?? 0 })),
    ],
    "keyEscrow.RecoveryTimelocked": ({ args }) => [
      update(`recovery/${textOf(args["requestId"])}`, (row) => ({
        ...row,
        state: "timelocked",
        releasableAtBlock: args["releasableAtBlock"] ?? 0,
      })),
    ],
    "keyEscrow.RecoveryReleased": ({ args }) => [
      update(`recovery/${textOf(args["requestId"])}`, (row) => ({ ...row, state: "released" })),
    ],
    "keyEscrow.RecoveryCancelled": ({ args }) => [
      update(`recovery/${textOf(args["requestId"])}`, (row) => ({ ...row, state: "cancelled" })),
    ],
  },
};
