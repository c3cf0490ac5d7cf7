// SPDX-License-Identifier: Apache-2.0
// Reads the members of untrusted JSON: the right type or a failure that names the place; text without control characters, and bounded.
import { Failure, isDigest, isJsonObject, stripControl, type Digest, type FailureCode, type JsonObject } from '@pratique/core';

/** One JSON object whose members are read by name. Absent, `null` and (for text) empty are the same: Go leaves out what is empty. */
export interface Fields {
  /** Where this object stands, for messages: `report.Results[0]`. */
  readonly where: string;
  text(name: string): string;
  optionalText(name: string): string | undefined;
  count(name: string): number | undefined;
  flag(name: string): boolean;
  digest(name: string): Digest;
  digests(name: string): Digest[];
  texts(name: string): string[];
  /** RFC 3339 as it was written. */
  time(name: string): string;
  optionalTime(name: string): string | undefined;
  fields(name: string): Fields;
  optionalFields(name: string): Fields | undefined;
  list(name: string): Fields[];
  invalid(name: string, expected: string): Failure;
}

/** Longest text that is kept of a member; what is longer is cut and ends in an ellipsis. */
const textLimit = 1024;

// RFC 3339 section 5.6. Date.parse alone takes far more ("2021", "Feb 1").
const timePattern = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,12})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** Whether `text` is a time of RFC 3339 that exists. */
export function isTime(text: string): boolean {
  return timePattern.test(text) && Number.isFinite(Date.parse(text));
}

/** One line of harmless text: no control characters, white space folded, at most 1,024 characters. */
export function plainText(text: string): string {
  const line = stripControl(text.slice(0, textLimit * 4)).replace(/\s+/g, ' ').trim().toWellFormed();
  return line.length > textLimit ? `${line.slice(0, textLimit - 1).toWellFormed()}…` : line;
}

/** The members of `value`, which stands at `where`. Whatever is wrong fails with `code`. */
export function fieldsOf(value: unknown, where: string, code: FailureCode): Fields {
  if (!isJsonObject(value)) throw new Failure({ code, message: `${where} is not a JSON object` });
  const invalid = (name: string, expected: string): Failure => new Failure({ code, message: `${where}.${name} is not ${expected}`, facts: { where: `${where}.${name}` } });
  const { member, optionalText, optionalTime, required, checked, list, every } = readersOf(value, invalid);
  const optionalFields = (name: string): Fields | undefined => (member(name) === undefined ? undefined : fieldsOf(member(name), `${where}.${name}`, code));
  return {
    where,
    text: required(optionalText, 'text'),
    optionalText,
    count: checked(member, (item): item is number => Number.isSafeInteger(item) && (item as number) >= 0, 'a whole number'),
    flag: (name) => checked(member, (item): item is boolean => typeof item === 'boolean', 'true or false')(name) ?? false,
    digest: required(checked(member, isDigest, 'a digest'), 'a digest'),
    digests: (name) => every(name, isDigest, 'a digest'),
    texts: (name) => every(name, isText, 'text').map(plainText),
    time: required(optionalTime, 'a time of RFC 3339'),
    optionalTime,
    fields: required(optionalFields, 'a JSON object'),
    optionalFields,
    list: (name) => list(name).map((item, index) => fieldsOf(item, `${where}.${name}[${index}]`, code)),
    invalid,
  };
}

type Reader<T> = (name: string) => T;
type Test<T> = (item: unknown) => item is T;

const isText = (item: unknown): item is string => typeof item === 'string';

function readersOf(object: JsonObject, invalid: Fields['invalid']) {
  const member: Reader<unknown> = (name) => (Object.hasOwn(object, name) ? object[name] : undefined) ?? undefined;
  const checked = <T>(read: Reader<unknown>, test: Test<T>, expected: string): Reader<T | undefined> => (name) => {
    const found = read(name);
    if (found !== undefined && !test(found)) throw invalid(name, expected);
    return found;
  };
  const required = <T>(read: Reader<T | undefined>, expected: string): Reader<T> => (name) => {
    const found = read(name);
    if (found === undefined) throw invalid(name, expected);
    return found;
  };
  const list: Reader<readonly unknown[]> = (name) => checked(member, (item): item is unknown[] => Array.isArray(item), 'a list')(name) ?? [];
  const every = <T>(name: string, test: Test<T>, expected: string): T[] => list(name).map((item, index) => {
    if (!test(item)) throw invalid(`${name}[${index}]`, expected);
    return item;
  });
  const optionalText: Reader<string | undefined> = (name) => plainText(checked(member, isText, 'text')(name) ?? '') || undefined;
  const optionalTime = checked(optionalText, (item): item is string => isText(item) && isTime(item), 'a time of RFC 3339');
  return { member, checked, required, list, every, optionalText, optionalTime };
}
