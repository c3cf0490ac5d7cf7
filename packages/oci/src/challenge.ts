// SPDX-License-Identifier: Apache-2.0
// WWW-Authenticate headers (RFC 9110 section 11.6.1; distribution token specification).

/** One challenge; of several in a header Bearer is taken before Basic. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  readonly realm?: string;
  readonly service?: string;
  readonly scope?: string;
  readonly error?: string;
}

const parameterPattern = /([A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;

/** Reads the header of a 401; `undefined` when it names neither Bearer nor Basic. */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null) return undefined;
  const quotesBlanked = header.slice(0, 8192).replace(/"(?:[^"\\]|\\.)*"/g, (text) => '_'.repeat(text.length));
  const starts = [...quotesBlanked.matchAll(/(?:^|,)\s*(bearer|basic)(?=\s|,|$)/gi)].map((match) => ({ scheme: (match[1] ?? '').toLowerCase(), from: match.index + match[0].length }));
  const chosen = starts.find((start) => start.scheme === 'bearer') ?? starts[0];
  if (chosen === undefined) return undefined;
  const next = starts.find((start) => start.from > chosen.from);
  const text = header.slice(chosen.from, next === undefined ? 8192 : next.from - next.scheme.length);
  const parameters = new Map([...text.matchAll(parameterPattern)].map((match) => [(match[1] ?? '').toLowerCase(), match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '']));
  const pick = (name: string): object => (parameters.has(name) ? { [name]: parameters.get(name) } : {});
  return { scheme: chosen.scheme, ...pick('realm'), ...pick('service'), ...pick('scope'), ...pick('error') };
}
