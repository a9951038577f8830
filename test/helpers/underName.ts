import { request as httpRequest } from "node:http";

export interface NamedAnswer {
  readonly status: number;
  /** Of the problem, where there is one. */
  readonly code: string | undefined;
}

/** Asks a server under a name of the caller's choice, as a page of another origin does whose name leads there. */
export function underName(host: string, url: string): Promise<NamedAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { host, connection: "close", "content-type": "application/json" };
    const sent = httpRequest(url, { method: "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, code: /"(ERR_\w+)"/.exec(text)?.[1] }));
    });
    sent.on("error", reject).end("{}");
  });
}
