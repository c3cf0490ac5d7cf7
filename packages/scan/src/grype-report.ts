// SPDX-License-Identifier: Apache-2.0
// Reads grype's JSON (https://github.com/anchore/grype/tree/v0.110.0/grype/presenter/models; the image is syft's ImageMetadata).
import { isDigest, parseJsonObject, type Digest, type Finding, type JsonObject } from '@pratique/core';
import { fieldsOf, isTime, type Fields } from './json-fields.ts';
import type { ParsedReport } from './parsed-report.ts';
import { severityOf, withoutAbsent } from './trivy-report.ts';

/** The report in `document`. Fails with `SCAN_REPORT_INVALID`. */
export function readGrypeReport(document: JsonObject): ParsedReport {
  const report = fieldsOf(document, 'grype report', 'SCAN_REPORT_INVALID');
  const source = report.fields('source');
  if (source.text('type') !== 'image') throw source.invalid('type', 'image');
  const target = source.fields('target');
  const descriptor = report.fields('descriptor');
  const diffIds = readDiffIds(document, target);
  const distro = report.optionalFields('distro');
  const settings = descriptor.optionalFields('configuration');
  if (settings?.texts('exclude').length) throw settings.invalid('exclude', 'empty: a report must be about the whole image');
  return {
    scanner: 'grype',
    scannerVersion: descriptor.text('version'),
    configDigest: target.digest('imageID'),
    ...(diffIds ? { diffIds } : {}),
    ...(distro?.optionalText('name') ? { os: [distro.text('name'), distro.optionalText('version')].filter(Boolean).join(' ') } : {}),
    endOfLife: report.list('alertsByPackage').some((item) => item.list('alerts').some((alert) => alert.optionalText('type') === 'distro-eol')),
    packageCount: 0,
    osPackageCount: 0,
    // What settings and VEX ignored is a finding here: only the policy's exceptions excuse. What grype's own matchers rule out it does not even list
    // (grype/vulnerability_matcher.go, "dropped"), so a reason such as "DistroPackageFixed" can only be a user's.
    findings: [...report.list('matches'), ...report.list('ignoredMatches')].map(readFinding),
    createdAt: descriptor.time('timestamp'),
    database: readDatabase(descriptor),
  };
}

function readDatabase(descriptor: Fields): { version?: string; updatedAt: string } {
  const database = descriptor.fields('db');
  // Before 0.88 the status stood in db itself.
  const status = database.optionalFields('status') ?? database;
  return { ...withoutAbsent({ version: status.optionalText('schemaVersion') }), updatedAt: status.time('built') };
}

// syft keeps the image config, base64, beside its digest; its "layers" may be compressed or not and are no proof.
function readDiffIds(document: JsonObject, target: Fields): Digest[] | undefined {
  const { config } = (document['source'] as { target: { config?: unknown } }).target;
  if (config === undefined || config === null) return undefined;
  if (typeof config !== 'string') throw target.invalid('config', 'text');
  const image = fieldsOf(parseJsonObject(Buffer.from(config, 'base64'), `${target.where}.config`, 'SCAN_REPORT_INVALID'), `${target.where}.config`, 'SCAN_REPORT_INVALID');
  return image.fields('rootfs').digests('diff_ids').filter(isDigest);
}

const osTypes = new Set(['deb', 'apk', 'rpm', 'alpm', 'portage', 'dpkg']);

function readFinding(match: Fields): Finding {
  const vulnerability = match.fields('vulnerability');
  const artifact = match.fields('artifact');
  const fix = vulnerability.optionalFields('fix');
  const versions = fix?.texts('versions') ?? [];
  const aliases = match.list('relatedVulnerabilities').map((item) => item.text('id')).filter((id) => id !== vulnerability.text('id'));
  return {
    id: vulnerability.text('id'),
    ...(aliases.length > 0 ? { aliases: [...new Set(aliases)] } : {}),
    package: artifact.text('name'),
    installed: artifact.optionalText('version') ?? '',
    ...(versions.length > 0 ? { fixed: versions.join(', ') } : {}),
    severity: severityOf(vulnerability.optionalText('severity')),
    class: osTypes.has(artifact.optionalText('type') ?? '') ? 'os' : 'language',
    ...withoutAbsent({
      fixDate: firstFixDate(fix),
      purl: artifact.optionalText('purl'),
      path: artifact.list('locations')[0]?.optionalText('path'),
      url: vulnerability.optionalText('dataSource'),
      title: vulnerability.optionalText('description'),
    }),
  };
}

/** The day on which the first fix could be had (`fix.available[].date`, since grype 0.99), as RFC 3339. */
function firstFixDate(fix: Fields | undefined): string | undefined {
  const dates = (fix?.list('available') ?? []).map((item) => item.optionalText('date') ?? '').map((date) => (/^\d{4}-\d{2}-\d{2}$/.test(date) ? `${date}T00:00:00Z` : date));
  return dates.filter(isTime).sort()[0];
}
