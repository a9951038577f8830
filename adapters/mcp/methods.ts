/**
 * What a client may say beside `tools/call`: the requests and notifications of the protocol from 2024-11-05 to 2026-07-28 and
 * of its tasks extension. None of them makes a tool act; what is not here is refused, since a server may act on anything.
 */
export const clientMethods: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "server/discover",
  "completion/complete",
  "logging/setLevel",
  "prompts/get",
  "prompts/list",
  "resources/list",
  "resources/read",
  "resources/subscribe",
  "resources/templates/list",
  "resources/unsubscribe",
  "subscriptions/listen",
  "tasks/cancel",
  "tasks/get",
  "tasks/list",
  "tasks/result",
  "tasks/update",
  "tools/list",
  "notifications/cancelled",
  "notifications/elicitation/complete",
  "notifications/initialized",
  "notifications/progress",
  "notifications/roots/list_changed",
  "notifications/tasks/status",
]);

export const toolCallMethod = "tools/call";
