// SPDX-License-Identifier: Apache-2.0
// exceptions.yaml: findings that may pass for a while, each with an owner, a reason, an end and an approver.
import type { JsonObject } from '@pratique/core';
import { documentSchema, readDocument } from './document.ts';
import { date, integer, list, mapping, optional, required, text, withDefault, type ValueOf } from './shape.ts';

const entry = mapping({
  id: required(text({ pattern: /[A-Za-z0-9][A-Za-z0-9:._-]{2,80}/, wants: 'the id of a vulnerability, such as CVE-2026-1234' }), 'Vulnerability: CVE, GHSA or another id that the scanner gives; aliases fit as well.'),
  purl: optional(text({ pattern: /pkg:\S+/, wants: 'a package URL' }), 'Package URL with version: pkg:deb/debian/openssl@3.0.11. Qualifiers that are not written do not matter.'),
  package: optional(text(), 'Name of the package, instead of purl.'),
  version: optional(text({ numeric: true }), 'Installed version of the package; any: every version, now and later.'),
  owner: required(text({ most: 120 }), 'Who looks after it.'),
  reason: required(text({ most: 4000 }), 'Why it may pass.'),
  added: optional(date('start'), 'Day on which it was added. maximum-days counts from here, without it from now.'),
  expires: required(date('end'), 'Last day on which it counts (UTC).'),
  approver: required(text({ pattern: /[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/, wants: 'the GitHub name of a person' }), 'GitHub name of the person whose review approved it; not the owner.'),
}, (exception) => [
  ...((exception.purl === undefined) === (exception.package === undefined) ? ['needs either purl or package'] : []),
  ...(isVersionBound(exception) ? [] : ['needs the version that it is about, or version: any']),
  ...(exception.purl !== undefined && exception.version !== undefined && exception.version !== 'any' ? ['the version belongs into the purl: pkg:…@version'] : []),
  ...(exception.owner.toLowerCase() === exception.approver.toLowerCase() ? ['owner and approver must be two people'] : []),
  ...(exception.added !== undefined && exception.added > exception.expires ? ['expires before it was added'] : []),
]);

function isVersionBound(exception: { readonly purl: string | undefined; readonly version: string | undefined }): boolean {
  return exception.version !== undefined || (exception.purl !== undefined && /.@[^/@]+$/.test(exception.purl.split(/[?#]/, 1)[0] ?? ''));
}

/** One exception; `at` is where it stands in the file. */
export type ExceptionEntry = ValueOf<typeof entry>;

const exceptionsShape = mapping({
  version: withDefault(integer(1, 1), 1, 'Version of this file format.'),
  exceptions: withDefault(list(entry), [], 'Findings that may pass for a while.'),
});

/** exceptions.yaml as read. */
export type Exceptions = ValueOf<typeof exceptionsShape>;

/** Reads exceptions.yaml strictly; an empty text has none. Fails with `POLICY_INVALID`. */
export function parseExceptions(source: string, file = 'exceptions.yaml'): Exceptions {
  return readDocument(exceptionsShape, source, file);
}

/** JSON Schema of exceptions.yaml, derived from what reads it. */
export function exceptionsJsonSchema(): JsonObject {
  return documentSchema(exceptionsShape, 'Pratique exceptions', 'Findings that may pass for a while.');
}
