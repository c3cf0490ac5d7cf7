// SPDX-License-Identifier: Apache-2.0
// SARIF 2.1.0 within the limits of GitHub code scanning (https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning).
import { createHash } from 'node:crypto';
import { isAbsolute, normalize } from 'node:path/posix';
import { gzipSync } from 'node:zlib';
import { escapeMarkdown, stripControl, type Finding, type ScanPredicate, type Severity } from '@pratique/core';

/** How results are shown. */
export interface SarifOptions {
  /** Name of the image without registry, tag and digest: `web`. With the platform it is the category, so that one upload never closes another's alerts. */
  readonly image: string;
  /** File of the repository to which alerts are pinned. Default `Dockerfile`, also for a path that leaves the repository. */
  readonly file?: string;
  /** Most results. Default and most 5,000: GitHub keeps no more. */
  readonly limit?: number;
}

const resultLimit = 5000;
const runLimit = 20;
/** Most bytes that GitHub takes, after gzip. */
const fileLimit = 10 * 1024 * 1024;
const packagesInHelp = 10;

// GitHub reads 9.0 and more as critical, 7.0 high, 4.0 medium, below low; what nobody rated is not low. It must be text, or the whole file is refused.
const scores: Readonly<Record<Severity, string>> = { critical: '9.5', high: '8.0', unknown: '5.0', medium: '5.0', low: '2.0', negligible: '0.1' };
const levels: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = { critical: 'error', high: 'error', unknown: 'warning', medium: 'warning', low: 'note', negligible: 'note' };

/** One file for all platforms of an image: a run and a category for each, at most 20, and of each the worst findings, as many as GitHub takes. */
export function toSarifFile(scans: readonly ScanPredicate[], options: SarifOptions): string {
  for (let limit = options.limit ?? resultLimit; ; limit = Math.floor(limit / 2)) {
    const logs = scans.slice(0, runLimit).map((scan) => toSarif(scan, { ...options, limit }));
    const text = JSON.stringify({ ...logs[0], runs: logs.flatMap(({ runs }) => runs) });
    if (limit === 0 || gzipSync(text).byteLength <= fileLimit) return text;
  }
}

interface SarifLog {
  readonly $schema: string;
  readonly version: string;
  readonly runs: readonly object[];
}

/** A SARIF log of one scan, worst findings first. */
export function toSarif(scan: ScanPredicate, options: SarifOptions): SarifLog {
  const limit = Math.min(options.limit ?? resultLimit, resultLimit);
  const shown = scan.findings.slice(0, limit);
  const rules = [...Map.groupBy(shown, ({ id }) => id).values()];
  const index = new Map(rules.map(([finding], position) => [finding?.id, position] as const));
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
function ruleOf(findings: readonly Finding[]): object {
  const [worst] = findings as [Finding];
  const title = clean(worst.title ?? worst.id);
  return {
    id: clean(worst.id),
    shortDescription: { text: title },
    fullDescription: { text: `${clean(worst.id)}: ${title}` },
    ...(worst.url?.startsWith('https://') ? { helpUri: clean(worst.url) } : {}),
    help: helpOf(findings),
    properties: { 'security-severity': scores[worst.severity], tags: ['security', 'vulnerability', worst.class] },
  };
}

/** What mends it; GitHub shows the Markdown beside the alert. */
function helpOf(findings: readonly Finding[]): { readonly text: string; readonly markdown: string } {
  const packages = [...new Map(findings.map((one) => [`${one.package} ${one.installed}`, one] as const)).values()];
  const shown = packages.slice(0, packagesInHelp);
  const left = packages.length - shown.length;
  const row = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  return {
    text: clean(`${shown.map((one) => (one.fixed ? `Update ${one.package} ${one.installed} to ${one.fixed}.` : `No fixed version of ${one.package} ${one.installed} is known.`)).join(' ')}${left > 0 ? ` And ${left} more packages.` : ''}`),
    markdown: [row(['package', 'installed', 'fixed in']), '| --- | --- | --- |', ...shown.map((one) => row([one.package, one.installed, one.fixed ?? 'not yet'])), ...(left > 0 ? ['', `And ${left} more packages.`] : [])].join('\n'),
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
    locations: [{ physicalLocation: { artifactLocation: { uri: locationOf(options.file) }, region: { startLine: 1 } } }],
    partialFingerprints: { primaryLocationLineHash: fingerprint(finding) },
  };
}

/** Relative to the root of the repository: GitHub shows no alert elsewhere. */
function locationOf(file = 'Dockerfile'): string {
  const path = normalize(file);
  return isAbsolute(path) || path.startsWith('..') ? 'Dockerfile' : path.split('/').map(encodeURIComponent).join('/');
}

// Without image name, digest and version: an alert that was dismissed stays so when the image is built anew.
function fingerprint(finding: Finding): string {
  const name = finding.purl?.replace(/[@?#].*$/, '') ?? finding.package;
  return createHash('sha256').update(JSON.stringify([finding.id, name, finding.path ?? ''])).digest('hex').slice(0, 32);
}

const clean = (text: string): string => stripControl(text).replace(/\s+/g, ' ');
