/** For who serves calls on this machine: no page of another name reaches them by having that name lead here. */
export { hostGuard, hostGuarded } from "../../host/http/hostGuard.ts";
export { deadlines } from "../../host/http/deadlines.ts";
