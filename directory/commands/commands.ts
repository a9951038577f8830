import { Interface, isError } from "ethers";

import { guardedFetch } from "../../host/fetch/guardedFetch.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type ErrorCode, errorCodes } from "../../protocol/errors/codes.ts";
import { type AbiItem, followedContracts } from "../events/contracts.ts";
import type { AbiInput } from "../events/abiReader.ts";

/** Registries that take requests which somebody else carries. */
const registries = ["agentRegistry", "policyRegistry", "contractRegistry", "keyEscrow", "attestationRegistry"] as const;

/** A change that can be asked for: a function of a registry whose arguments hold the signature of who is entitled to it. */
export interface CommandType {
  /** `agentRegistry.register`. */
  readonly name: string;
  readonly inputs: readonly AbiInput[];
  /** JSON schema of the arguments, by name. */
  readonly schema: object;
}

/** Accepted: the relayer's journal has it, and goes on with it whatever happens here. */
export interface AcceptedCommand {
  readonly id: string;
  readonly state: string;
  /** Where the relayer tells how far it has come, absolute. */
  readonly followUrl: string;
}

export interface CommandsOptions {
  readonly deployment: Deployment;
  /** Without a slash at the end. */
  readonly relayerUrl: string;
}

/**
 * The write side, typed: each signed function of the registries is a command. The arguments are checked and encoded here; what is
 * sent is the relayer's to admit, and its idempotency key is the caller's.
 */
export class Commands {
  readonly types: ReadonlyMap<string, CommandType>;
  readonly #options: CommandsOptions;
  readonly #calls = new Map<string, { readonly target: string; readonly abi: Interface; readonly fn: string }>();

  constructor(options: CommandsOptions) {
    this.#options = options;
    const types: CommandType[] = [];
    for (const { name: registry, address, abi } of followedContracts(options.deployment)) {
      if (!(registries as readonly string[]).includes(registry)) continue;
      for (const item of signedFunctions(abi)) {
        const fn = item.name ?? "";
        const name = `${registry}.${fn.slice(0, -"Signed".length)}`;
        types.push({ name, inputs: item.inputs ?? [], schema: schemaOf(item.inputs ?? []) });
        this.#calls.set(name, { target: address, abi: new Interface([item as never]), fn });
      }
    }
    this.types = new Map(types.map((type) => [type.name, type]));
  }

  /**
   * @throws AffiantError ERR_NOT_FOUND_ROUTE for no such command, ERR_INPUT_MALFORMED for arguments that are not of its types,
   * ERR_UNAVAILABLE_RELAYER, and whatever the relayer refuses with, under its code
   */
  async submit(
    name: string,
    args: Readonly<Record<string, unknown>>,
    idempotencyKey: string,
  ): Promise<AcceptedCommand> {
    const [type, call] = [this.types.get(name), this.#calls.get(name)];
    if (!type || !call) throw new AffiantError("ERR_NOT_FOUND_ROUTE", `there is no command ${name.slice(0, 80)}`);
    const names = type.inputs.map((input) => input.name);
    const wrong = Object.keys(args).find((one) => !names.includes(one)) ?? names.find((one) => !(one in args));
    if (wrong !== undefined) throw malformed(`${name} takes ${names.join(", ")}`);
    let data: string;
    try {
      data = call.abi.encodeFunctionData(
        call.fn,
        names.map((one) => args[one]),
      );
    } catch (error) {
      if (isError(error, "INVALID_ARGUMENT")) throw malformed(`an argument is not of its type: ${error.argument}`);
      if (error instanceof Error && "code" in error) throw malformed("the arguments cannot be encoded");
      throw error;
    }
    return this.#send(call.target, data, idempotencyKey);
  }

  async #send(target: string, data: string, idempotencyKey: string): Promise<AcceptedCommand> {
    const { relayerUrl } = this.#options;
    // The operator named the relayer: it may well be on this machine.
    const limits = { timeoutMs: 15_000, maxBytes: 1 << 20, allowPrivate: true };
    const headers = { "content-type": "application/json", "idempotency-key": idempotencyKey };
    const body = JSON.stringify({ target, data });
    const answer = await guardedFetch(`${relayerUrl}/v1/requests`, { method: "POST", headers, body, ...limits }).catch(
      (cause: unknown) => {
        throw new AffiantError("ERR_UNAVAILABLE_RELAYER", "the relayer cannot be reached", { cause });
      },
    );
    const said = readJson(answer.body);
    if (!answer.ok) throw refusalOf(said);
    if (typeof said["id"] !== "string" || typeof said["state"] !== "string") {
      throw new AffiantError("ERR_UNAVAILABLE_RELAYER", "the relayer does not answer as one");
    }
    return { id: said["id"], state: said["state"], followUrl: `${relayerUrl}/v1/requests/${said["id"]}` };
  }
}

function signedFunctions(abi: readonly AbiItem[]): AbiItem[] {
  return abi.filter(({ type, name }) => type === "function" && name?.endsWith("Signed") === true);
}

function readJson(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The relayer's refusal under its own code, where it is one that is known here. */
function refusalOf({ code, detail }: Readonly<Record<string, unknown>>): AffiantError {
  if (typeof code === "string" && code in errorCodes) {
    return new AffiantError(code as ErrorCode, typeof detail === "string" ? detail : "the relayer refuses the command");
  }
  return new AffiantError("ERR_UNAVAILABLE_RELAYER", "the relayer does not answer as one");
}

function malformed(message: string): AffiantError {
  return new AffiantError("ERR_INPUT_MALFORMED", message);
}

function schemaOf(inputs: readonly AbiInput[]): object {
  return {
    type: "object",
    required: inputs.map(({ name }) => name),
    properties: Object.fromEntries(inputs.map((input) => [input.name, schemaOfType(input)])),
    additionalProperties: false,
  };
}

function schemaOfType({ type, components = [], name }: AbiInput): object {
  const list = /^(.*)\[\d*\]$/.exec(type);
  if (list) return { type: "array", items: schemaOfType({ name, type: list[1] ?? "", components }) };
  if (type === "tuple") return schemaOf(components);
  if (type === "bool") return { type: "boolean" };
  if (type === "string") return { type: "string" };
  if (/^u?int/.test(type))
    return {
      anyOf: [
        { type: "integer", minimum: 0 },
        { type: "string", pattern: "^\\d{1,78}$" },
      ],
    };
  const bytes = type === "address" ? 20 : Number(/^bytes(\d+)$/.exec(type)?.[1] ?? 0);
  return { type: "string", pattern: bytes > 0 ? `^0x[0-9a-fA-F]{${2 * bytes}}$` : "^0x(?:[0-9a-fA-F]{2})*$" };
}
