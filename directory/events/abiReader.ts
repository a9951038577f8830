import type { Hex } from "../../protocol/encoding/hex.ts";
import type { Value } from "./event.ts";

/** An input of an event, as an ABI names it. */
export interface AbiInput {
  readonly name: string;
  readonly type: string;
  readonly indexed?: boolean;
  readonly components?: readonly AbiInput[];
}

/** Reads the value whose head is at `at` of the hex digits; `base` is where offsets of this tuple count from. */
type Read = (digits: string, at: number, base: number) => Value;

interface Reader {
  readonly read: Read;
  /** Digits of its head. */
  readonly width: number;
}

const word = 64;

/**
 * Compiles the inputs of an event to a function over its topics and data. Strict where the ABI is (Solidity's specification,
 * "Contract ABI"): offsets and lengths that lead out of the data are refused. An indexed value of a dynamic type is its hash.
 * @returns a function that throws RangeError for what is not of this form
 */
export function readerOf(inputs: readonly AbiInput[]): (topics: readonly Hex[], data: Hex) => Record<string, Value> {
  const indexed = inputs.filter((input) => input.indexed);
  const plain = inputs.filter((input) => !input.indexed);
  const ofTopics = indexed.map((input) => (isDynamic(input) ? bytesReader(32) : readerFor(input)).read);
  const ofData = sequence(plain);
  const width = ofData.reduce((sum, reader) => sum + reader.width, 0);
  return (topics, data) => {
    if (topics.length !== indexed.length + 1) throw new RangeError("the event has another number of topics");
    if (data.length < 2 + width) throw new RangeError("the event's data end early");
    const values: Record<string, Value> = {};
    for (const [i, input] of indexed.entries()) {
      values[input.name] = (ofTopics[i] as Read)((topics[i + 1] as Hex).slice(2), 0, 0);
    }
    let at = 2;
    for (const [i, input] of plain.entries()) {
      const { read, width: step } = ofData[i] as Reader;
      values[input.name] = read(data, at, 2);
      at += step;
    }
    return values;
  };
}

function sequence(inputs: readonly AbiInput[]): readonly Reader[] {
  return inputs.map((input) => (isDynamic(input) ? behindOffset(readerFor(input).read) : readerFor(input)));
}

function behindOffset(read: Read): Reader {
  return {
    width: word,
    read: (digits, at, base) => {
      const start = base + 2 * lengthAt(digits, at);
      return read(digits, start, start);
    },
  };
}

function readerFor(input: AbiInput): Reader {
  const list = /^(.*)\[(\d*)\]$/.exec(input.type);
  if (list) return listReader({ ...input, type: list[1] ?? "" }, list[2] ?? "");
  const { type } = input;
  if (type === "tuple") return tupleReader(input.components ?? []);
  if (type === "address") return { width: word, read: (digits, at) => `0x${slice(digits, at + 24, 40)}` };
  if (type === "bool") return { width: word, read: (digits, at) => lengthAt(digits, at) !== 0 };
  if (type === "string") return { width: word, read: (digits, at) => bytesAt(digits, at).toString("utf8") };
  if (type === "bytes") return { width: word, read: (digits, at) => `0x${bytesAt(digits, at).toString("hex")}` };
  const fixed = /^bytes(\d+)$/.exec(type);
  if (fixed) return bytesReader(Number(fixed[1]));
  if (/^uint\d*$/.test(type)) return { width: word, read: (digits, at) => wholeAt(digits, at) };
  if (/^int\d*$/.test(type)) return { width: word, read: (digits, at) => signedAt(digits, at) };
  throw new RangeError(`no reader for ${type}`);
}

function bytesReader(length: number): Reader {
  return { width: word, read: (digits, at) => `0x${slice(digits, at, 2 * length)}` };
}

function tupleReader(components: readonly AbiInput[]): Reader {
  const readers = sequence(components);
  const width = readers.reduce((sum, reader) => sum + reader.width, 0);
  const read: Read = (digits, start) => {
    let at = start;
    const values: Record<string, Value> = {};
    for (const [i, { name }] of components.entries()) {
      const reader = readers[i] as Reader;
      values[name] = reader.read(digits, at, start);
      at += reader.width;
    }
    return values;
  };
  return { width, read };
}

function listReader(item: AbiInput, size: string): Reader {
  const [reader] = sequence([item]) as [Reader];
  const items = (digits: string, start: number, count: number): Value => {
    if (start + count * reader.width > digits.length) throw new RangeError("a list ends early");
    return Array.from({ length: count }, (_, i) => reader.read(digits, start + i * reader.width, start));
  };
  if (size === "") {
    return { width: word, read: (digits, at) => items(digits, at + word, lengthAt(digits, at)) };
  }
  const count = Number(size);
  return { width: reader.width * count, read: (digits, at) => items(digits, at, count) };
}

function isDynamic({ type, components = [] }: AbiInput): boolean {
  if (type === "string" || type === "bytes" || type.endsWith("[]")) return true;
  const fixed = /^(.*)\[\d+\]$/.exec(type);
  if (fixed) return isDynamic({ name: "", type: fixed[1] ?? "", components });
  return type === "tuple" && components.some(isDynamic);
}

function slice(digits: string, at: number, length: number): string {
  if (at + length > digits.length) throw new RangeError("a value ends early");
  return digits.slice(at, at + length);
}

/** A length or offset: more than 2^53 cannot be met by any data. */
function lengthAt(digits: string, at: number): number {
  const value = wholeAt(digits, at);
  if (typeof value !== "number") throw new RangeError("a length that no data have");
  return value;
}

function bytesAt(digits: string, at: number): Buffer {
  const length = lengthAt(digits, at);
  return Buffer.from(slice(digits, at + word, 2 * length), "hex");
}

/** 13 digits are 52 bits: exact as a number. */
function wholeAt(digits: string, at: number): number | string {
  const text = slice(digits, at, word);
  if (text.startsWith(zeros)) return Number.parseInt(text.slice(51), 16);
  const value = BigInt(`0x${text}`);
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
}
const zeros = "0".repeat(51);

function signedAt(digits: string, at: number): number | string {
  const value = BigInt.asIntN(256, BigInt(`0x${slice(digits, at, word)}`));
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}
