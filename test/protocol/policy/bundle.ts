import type { PolicyBundle } from "../../../protocol/policy/types.ts";

/** A small shop's policy, which the tests of this folder vary in one field at a time. */
export const shopBundle: PolicyBundle = {
  format: "affiant-policy/1",
  name: "shop",
  description: "What the payment agent may do.",
  schema: `
    entity Agent;
    entity System;
    type Money = { currency: String, amount: decimal };
    action "payment.charge", "payment.refund" appliesTo {
      principal: Agent,
      resource: System,
      context: { cents?: Long, tags?: Set<String>, money?: Money, charged?: Bool }
    };
    action "ping" appliesTo { principal: Agent, resource: System };
  `,
  policies: `
    @id("base") permit (principal, action, resource);

    @id("max") @rule("At most 100 dollars a charge.") @needs("cents")
    forbid (principal, action == Action::"payment.charge", resource)
    when { context has cents && context.cents > 10000 };

    @id("tags") @rule("No gift cards.")
    forbid (principal, action in [Action::"payment.charge", Action::"payment.refund"], resource)
    when { context has tags && context.tags.contains("gift-card") };

    @id("rate") @rule("At most half a coin.")
    forbid (principal, action == Action::"payment.charge", resource)
    when { context has money && context.money.amount.greaterThan(decimal("0.5")) };

    @id("refund-after-charge") @rule("Refund only what was charged.") @needs("charged")
    forbid (principal, action == Action::"payment.refund", resource)
    unless { context has charged && context.charged };

    @id("not-eve") @rule("Eve may not refund.")
    forbid (principal == Agent::"did:eve", action == Action::"payment.refund", resource);
  `,
  facts: {
    cents: "input.cents",
    tags: "input.tags",
    money: "input.money",
    charged: '$exists(before[act = "payment.charge" and output.ok])',
  },
  undecidable: [{ rule: "Be kind.", why: "Nobody logs it." }],
};
