import { serviceRoutes } from "../../../attestation/service/serviceServer.ts";
import { attestationRoutes } from "../../../attestation/wrap/attestationServer.ts";
import { openApiDocument } from "../../../relayer/http/openapi.ts";

export const services = ["relayer", "wrapper", "attestation", "agent"] as const;
export type Service = (typeof services)[number];

/** One request of a stranger. */
export interface StrangersRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** The worst that we can build of one kind, another one each time, so that no cache helps. */
export interface StrangersCase {
  readonly what: string;
  readonly request: (i: number) => StrangersRequest;
}

/** Every public endpoint, `METHOD path`, as the services themselves list them. */
export function endpointsOf(service: Service): readonly string[] {
  switch (service) {
    case "relayer":
      return Object.entries(openApiDocument.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      );
    case "wrapper":
      return attestationRoutes;
    case "attestation":
      return serviceRoutes;
    case "agent":
      return ["POST /call"];
  }
}
