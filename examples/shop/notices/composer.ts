/** All that whoever writes a notice learns: nothing that is not here goes to a model. */
export interface NoticeFacts {
  readonly ending: "completed" | "cancelled";
  readonly orderId: string;
  readonly customer?: string;
  readonly goods?: readonly { readonly sku: string; readonly quantity: number }[];
  readonly reason?: string;
}

export interface Notice {
  readonly text: string;
  /** Who wrote it: `template`, or `model <name>`. */
  readonly composedBy: string;
}

/** Writes a notice to a customer. It must not throw: a customer is told something in any case. */
export interface Composer {
  compose(facts: NoticeFacts): Promise<Notice>;
}

/** Fills in a form. No model takes part, and the notice says so by its author. */
export const templateComposer: Composer = {
  compose: ({ ending, orderId, customer, goods = [], reason }) => {
    const hello = customer === undefined ? "Hello," : `Hello ${customer},`;
    const what = goods.map(({ sku, quantity }) => `${quantity} × ${sku}`).join(", ");
    const list = what === "" ? "" : ` (${what})`;
    const news =
      ending === "completed"
        ? `your order ${orderId}${list} is on its way.`
        : `your order ${orderId}${list} could not be carried out.${reason === undefined ? "" : ` The reason: ${reason}`}`;
    return Promise.resolve({ text: `${hello} ${news}`, composedBy: "template" });
  },
};
