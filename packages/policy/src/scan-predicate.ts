// SPDX-License-Identifier: Apache-2.0
// Reads a predicate of type scan/v1 strictly: signed by the right role is not yet well formed.
import { isDigest, isJsonObject, type Finding, type JsonObject, type ScanPredicate, type Severity } from '@pratique/core';

const severities: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'negligible', 'unknown'];
const mostFindings = 200_000;
const mostText = 20_000;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= mostText;
const isOptionalText = (value: unknown): boolean => value === undefined || (typeof value === 'string' && value.length <= mostText);
const isInstant = (value: unknown): boolean => typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value) && !Number.isNaN(Date.parse(value));

/** The scan, or `undefined` when the predicate is not one, whole and in every field. */
export function readScanPredicate(predicate: unknown): ScanPredicate | undefined {
  if (!isJsonObject(predicate) || !hasFacts(predicate)) return undefined;
  const { findings } = predicate;
  if (!Array.isArray(findings) || findings.length > mostFindings || !findings.every(isFinding)) return undefined;
  return predicate as unknown as ScanPredicate;
}

function hasFacts(scan: JsonObject): boolean {
  const { scanner, database, diffIds, packageCount } = scan;
  return isText(scan['platform']) && isDigest(scan['configDigest']) && isDigest(scan['report']) && isOptionalText(scan['os'])
    && Array.isArray(diffIds) && diffIds.length <= 1000 && diffIds.every(isDigest)
    && Number.isSafeInteger(packageCount) && Number(packageCount) >= 0
    && isJsonObject(scanner) && isText(scanner['name']) && isText(scanner['version'])
    && isJsonObject(database) && isInstant(database['updatedAt'])
    && isInstant(scan['startedAt']) && isInstant(scan['finishedAt'])
    && (scan['isolation'] === 'none' || scan['isolation'] === 'job');
}

function isFinding(value: unknown): value is Finding {
  if (!isJsonObject(value)) return false;
  const { id, aliases, severity } = value;
  return isText(id) && isText(value['package']) && typeof value['installed'] === 'string'
    && (aliases === undefined || (Array.isArray(aliases) && aliases.length <= 1000 && aliases.every(isText)))
    && severities.includes(severity as Severity) && (value['class'] === 'os' || value['class'] === 'language')
    && (value['fixed'] === undefined || isText(value['fixed']))
    && ['fixDate', 'purl', 'path', 'title', 'url', 'published'].every((name) => isOptionalText(value[name]));
}
