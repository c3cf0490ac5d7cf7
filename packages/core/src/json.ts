// SPDX-License-Identifier: Apache-2.0
// Canonical JSON (RFC 8785 for what we write: no floats beyond integers) and reading of untrusted JSON.
import { Failure, type FailureCode } from './failure.ts';

/** JSON with sorted keys and no white space: equal values give equal bytes. `undefined` members are left out. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (value instanceof Date) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value).filter(([, item]) => item !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

/** A JSON object whose members are unknown. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether `value` is a JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Parses bytes or text that must hold a JSON object. Fails with `code`; `what` names the thing in the message. */
export function parseJsonObject(content: string | Uint8Array, what: string, code: FailureCode): JsonObject {
  const text = typeof content === 'string' ? content : new TextDecoder().decode(content);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Failure({ code, message: `${what} is not JSON`, facts: { size: text.length }, cause });
  }
  if (isJsonObject(value)) return value;
  throw new Failure({ code, message: `${what} is not a JSON object` });
}
