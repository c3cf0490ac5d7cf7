// SPDX-License-Identifier: Apache-2.0
// SARIF 2.1.0 within the limits of GitHub code scanning (https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning).
import { createHash } from 'node:crypto';
import { stripControl, type Finding, type ScanPredicate, type Severity } from '@pratique/core';

/** How results are shown. */
export interface SarifOptions {
  /** Name of the image without registry, tag and digest: `web`. With the platform it is the category, so that one upload never closes another's alerts. */
  readonly image: string;
  /** File of the repository to which alerts are pinned. Default `Dockerfile`. */
  readonly file?: string;
  /** Most results. Default and most 5,000: GitHub keeps no more. */
  readonly limit?: number;
}

const resultLimit = 5000;

// GitHub reads 9.0 and more as critical, 7.0 high, 4.0 medium, below low; what nobody rated is not low. It must be text, or the whole file is refused.
const scores: Readonly<Record<Severity, string>> = { critical: '9.5', high: '8.0', unknown: '5.0', medium: '5.0', low: '2.0', negligible: '0.1' };
const levels: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = { critical: 'error', high: 'error', unknown: 'warning', medium: 'warning', low: 'note', negligible: 'note' };

/** A SARIF log of one scan, worst findings first. */
export function toSarif(scan: ScanPredicate, options: SarifOptions): object {
  const limit = Math.min(options.limit ?? resultLimit, resultLimit);
  const shown = scan.findings.slice(0, limit);
  const rules = [...new Map(shown.map((finding) => [finding.id, finding] as const)).values()];
  const index = new Map(rules.map((finding, position) => [finding.id, position] as const));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: scan.scanner.name, version: scan.scanner.version, rules: rules.map(ruleOf) } },
      automationDetails: { id: `pratique/${clean(options.image)}/${scan.platform}/` },
      results: shown.map((finding) => resultOf(finding, index.get(finding.id) ?? 0, options)),
      properties: { platform: scan.platform, configDigest: scan.configDigest, findings: scan.findings.length, omitted: scan.findings.length - shown.length },
    }],
  };
}

// The findings of a scan are sorted worst first, so a rule has the severity of its worst finding.
function ruleOf(finding: Finding): object {
  return {
    id: clean(finding.id),
    shortDescription: { text: clean(finding.title ?? finding.id) },
    ...(finding.url?.startsWith('https://') ? { helpUri: clean(finding.url) } : {}),
    help: { text: clean(finding.fixed ? `Fixed in ${finding.fixed}.` : 'No fixed version is known.') },
    properties: { 'security-severity': scores[finding.severity], tags: ['security', 'vulnerability', finding.class] },
  };
}

function resultOf(finding: Finding, ruleIndex: number, options: SarifOptions): object {
  const where = finding.path ? ` (${finding.path})` : '';
  const fixed = finding.fixed ? `fixed in ${finding.fixed}` : 'not fixed';
  return {
    ruleId: clean(finding.id),
    ruleIndex,
    level: levels[finding.severity],
    message: { text: clean(`${finding.package} ${finding.installed}${where}: ${finding.id}, ${finding.severity}, ${fixed}`) },
    locations: [{ physicalLocation: { artifactLocation: { uri: encodeURI(options.file ?? 'Dockerfile') }, region: { startLine: 1 } } }],
    partialFingerprints: { primaryLocationLineHash: fingerprint(finding) },
  };
}

// Without image name, digest and version: an alert that was dismissed stays so when the image is built anew.
function fingerprint(finding: Finding): string {
  const name = finding.purl?.replace(/[@?#].*$/, '') ?? finding.package;
  return createHash('sha256').update(JSON.stringify([finding.id, name, finding.path ?? ''])).digest('hex').slice(0, 32);
}

const clean = (text: string): string => stripControl(text).replace(/\s+/g, ' ');
