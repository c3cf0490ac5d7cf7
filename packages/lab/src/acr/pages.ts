// SPDX-License-Identifier: Apache-2.0
// Lists in pages: `n` and `last` in, a `Link` with rel="next" out (distribution-spec 1.1, "Listing Tags"; the form of the link is ACR's).
import { Refusal } from './refusal.ts';

/** One page of a list and the headers that lead to the next. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly headers: Readonly<Record<string, string>>;
}

export interface PageOptions<T> {
  /** Path of the list, as the link shows it. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Page size when the client names none. */
  readonly pageSize: number;
  readonly keyOf: (item: T) => string;
  /** Where `last` stands in the list's own order; names are in order of the alphabet unless told. */
  readonly isAfter?: (item: T, last: string) => boolean;
  /** Members of the query that the next page needs again. */
  readonly keep?: readonly string[];
}

const largestPage = 1000;

/** Cuts a sorted list; a page has at most 1000 items. Refuses a size that is not a number. */
export function cutPage<T>(list: readonly T[], options: PageOptions<T>): Page<T> {
  const asked = options.query.get('n');
  if (asked !== null && !/^\d{1,9}$/.test(asked)) {
    throw new Refusal({ status: 400, code: 'PAGINATION_NUMBER_INVALID', message: 'invalid number of results requested', detail: { n: asked } });
  }
  const size = Math.min(asked === null ? options.pageSize : Number(asked), largestPage);
  const rest = after(list, options);
  const items = rest.slice(0, size);
  const last = items.at(-1);
  if (last === undefined || items.length === rest.length) return { items, headers: {} };
  const next = new URLSearchParams({ last: options.keyOf(last), n: String(size) });
  for (const name of options.keep ?? []) if (options.query.has(name)) next.set(name, options.query.get(name) ?? '');
  if (!next.has('orderby')) next.set('orderby', options.query.get('orderby') ?? '');
  return { items, headers: { link: `<${options.path}?${next}>; rel="next"` } };
}

function after<T>(list: readonly T[], { query, keyOf, isAfter }: PageOptions<T>): readonly T[] {
  const last = query.get('last');
  if (last === null || last === '') return list;
  const at = list.findIndex((item) => keyOf(item) === last);
  if (at >= 0) return list.slice(at + 1);
  return list.filter((item) => (isAfter ? isAfter(item, last) : keyOf(item) > last));
}
