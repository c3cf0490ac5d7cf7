// SPDX-License-Identifier: Apache-2.0
// Takes secrets out of text and JSON before it is printed or kept in an error.

const hidden = '***';

// JSON Web Tokens, GitHub and Azure tokens, Authorization headers, URL user-info, and every query parameter that is not known to be harmless.
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)?/g, hidden],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,})/g, hidden],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{8,}/gi, `$1 ${hidden}`],
  [/(:\/\/)[^/\s:@]+:[^/\s@]+@/g, `$1${hidden}@`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, hidden],
];

// An allow list, as google/go-containerregistry does it (internal/redact): signatures hide under ever new names.
const harmlessParameters = new Set(['scope', 'service', 'n', 'last', 'digest', 'artifactType', 'mount', 'from', 'api-version', 'orderby', 'ref', 'per_page', 'page', 'tail']);
const secretKey = /(?:token|secret|password|passwd|authorization|assertion|private.?key|signature_?url|cookie)$/i;

const exact = new Set<string>();

/** Registers a literal secret: from now on `redact` hides it. Strings under 6 characters are ignored. */
export function addSecret(secret: string): void {
  for (const line of secret.split(/\r?\n/)) if (line.trim().length >= 6) exact.add(line.trim());
}

/** `text` without what looks like, or is known to be, a secret. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of exact) clean = clean.replaceAll(secret, hidden);
  for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
  return clean.replace(/\bhttps?:\/\/[^\s"'<>)\]]+/g, redactQuery);
}

function redactQuery(url: string): string {
  const question = url.indexOf('?');
  if (question < 0) return url;
  const query = url.slice(question + 1).split('&').map((pair) => {
    const name = pair.split('=', 1)[0] ?? '';
    return harmlessParameters.has(name) || !pair.includes('=') ? pair : `${name}=${hidden}`;
  });
  return `${url.slice(0, question)}?${query.join('&')}`;
}

/** A JSON-safe copy of `value` in which every string is redacted and every value under a secret-looking key is hidden. */
export function redactJson(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? undefined : value;
  if (depth > 12) return '…';
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Error) return redact(`${value.name}: ${value.message}`);
  if (Array.isArray(value)) return value.map((item) => redactJson(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, secretKey.test(key) && typeof item === 'string' ? hidden : redactJson(item, depth + 1)]));
}
