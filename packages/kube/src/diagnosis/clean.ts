// SPDX-License-Identifier: Apache-2.0
// Text of foreign programs made fit to be shown: known secrets, what looks like one, and control characters taken out.
import { redact, stripControl } from '@pratique/core';

const assignments = /((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|accountkey|sharedaccesskey|connection[_-]?string|client[_-]?secret|signature|sig)["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;&"']+)/gi;

/** Cleans text; at most `limit` characters, default 600. */
export function clean(text: string, secrets: readonly string[] = [], limit = 600): string {
  let shown = stripControl(text);
  for (const secret of [...secrets].filter((value) => value.length >= 6).sort((a, b) => b.length - a.length)) shown = shown.replaceAll(secret, '***');
  shown = redact(shown).replace(assignments, '$1***').trim();
  return shown.length > limit ? `${shown.slice(0, limit)}…` : shown;
}

/** The last lines of a log, each cleaned. */
export function cleanTail(log: string, secrets: readonly string[] = [], lines = 8): string[] {
  return clean(log, secrets, 64 * 1024).split('\n').map((line) => line.trimEnd()).filter(Boolean).slice(-lines).map((line) => (line.length > 240 ? `${line.slice(0, 240)}…` : line));
}

/** The values of `data` and `stringData` of Secrets. */
export function secretValues(objects: readonly { readonly kind: string; readonly [key: string]: unknown }[]): string[] {
  const texts = (value: unknown): string[] => (typeof value === 'object' && value !== null ? Object.values(value).filter((entry) => typeof entry === 'string') : []);
  return objects.filter(({ kind }) => kind === 'Secret').flatMap((secret) => {
    const encoded = texts(secret['data']);
    return [...texts(secret['stringData']), ...encoded, ...encoded.map((value) => Buffer.from(value, 'base64').toString('utf8'))];
  }).flatMap((value) => value.split(/\r?\n/)).filter((value) => value.trim().length >= 6);
}
