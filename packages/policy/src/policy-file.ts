// SPDX-License-Identifier: Apache-2.0
// policy.yaml: what an image must show to pass. An empty file is the strict policy.
import { chartFindingCodes, type JsonObject } from '@pratique/core';
import { documentSchema, readDocument } from './document.ts';
import { choice, integer, list, mapping, optional, required, section, text, withDefault, type ValueOf } from './shape.ts';

const ratedSeverities = ['critical', 'high', 'medium', 'low', 'negligible'] as const;
const fixable = choice(['any', 'true', 'false']);
const packageClass = choice(['any', 'os', 'language']);

const findingRule = mapping({
  name: required(text({ most: 120 }), 'Named in every reason that the rule gives.'),
  severity: required(list(choice(ratedSeverities), { least: 1 }), 'Severities that the rule speaks of.'),
  fixable: withDefault(fixable, 'any', 'true: only findings with a fixed version; false: only those without; any: both.'),
  class: withDefault(packageClass, 'any', 'os: packages of the distribution; language: npm, pip, Go and others; any: both.'),
  effect: required(choice(['deny', 'warn']), 'deny refuses the image, warn is told with the verdict.'),
});

/** One rule on findings. Every rule that fits a finding applies; the strongest effect wins. */
export type FindingRule = ValueOf<typeof findingRule>;

const evidenceKinds = ['signature', 'provenance', 'tests', 'scan', 'sbom', 'vulnerabilities'] as const;

/** What a policy can require: signature, provenance and tests on the image; scan, sbom and vulnerabilities on each platform. */
export type EvidenceKind = (typeof evidenceKinds)[number];

/** The rule that holds where policy.yaml has no `findings`. */
const strictFindings = { name: 'critical and high', severity: ['critical', 'high'], fixable: 'any', class: 'any', effect: 'deny' } as const;

const policyShape = mapping({
  version: withDefault(integer(1, 1), 1, 'Version of this file format.'),
  findings: optional(list(findingRule), 'Rules on findings. Every rule that fits applies, the strongest effect wins. Without this key: critical and high are denied, fixable or not.'),
  'unrated-as': withDefault(choice(ratedSeverities), 'high', 'What a finding counts as that nobody has rated. Unknown is not low.'),
  evidence: section(mapping({
    require: withDefault(list(choice(evidenceKinds)), ['signature', 'provenance', 'tests', 'scan', 'sbom'], 'What must be there: signature, provenance, tests on the image; scan, sbom, vulnerabilities on each platform. A scan is always required while a rule on findings denies.'),
    scanners: withDefault(list(text({ pattern: /[a-z0-9][a-z0-9.-]*/, wants: 'the name of a scanner' })), [], 'Scanners of which each must have scanned each platform. Empty: any one is enough.'),
  }), 'Which statements must be there, signed by their role.'),
  freshness: section(mapping({
    'scan-hours': withDefault(integer(1, 8760), 24, 'How old a scan may be, by its trusted timestamp and by its own.'),
    'database-hours': withDefault(integer(1, 8760), 48, 'How old the vulnerability database of the scan may be.'),
  }), 'How old evidence may be.'),
  isolation: withDefault(choice(['job', 'any']), 'job', 'job: Dockerfile, scanner and registry credentials never shared a job; any: they may have.'),
  provenance: section(mapping({
    source: optional(text({ pattern: /https:\/\/\S+/, wants: 'an https address of a repository' }), 'The only repository from which images may come. Without it: the one that the image names.'),
    refs: withDefault(list(text()), [], 'Refs from which images may be built: refs/heads/main, refs/tags/v*. Empty: any ref of a trusted signer.'),
  }), 'Where images may come from.'),
  exceptions: section(mapping({
    'maximum-days': withDefault(integer(1, 3650), 90, 'How long an exception may last from the day it was added.'),
    'require-approval': withDefault(choice(['true', 'false']), 'true', 'true: only exceptions count whose approver reviewed the change that added them.'),
  }), 'What exceptions may do.'),
  'roles-overlap': withDefault(choice(['refuse', 'allow']), 'refuse', 'Whether one signer may both build and judge. When allowed, every verdict says so.'),
  chart: section(mapping({
    refuse: withDefault(list(choice(chartFindingCodes)), ['IMAGE_NOT_PINNED', 'PRIVILEGED', 'HOST_ACCESS', 'READINESS_PROBE_MISSING'], 'Findings of the chart for which a deployment is refused.'),
    silence: withDefault(list(choice(chartFindingCodes)), [], 'Findings that are not told. All others are told and do not refuse.'),
  }, ({ refuse, silence }) => refuse.filter((code) => silence.includes(code)).map((code) => `${code} is in refuse and in silence`)), 'What the chart of a deployment may be like.'),
  verdict: section(mapping({
    'valid-days': withDefault(integer(1, 365), 30, 'How long a verdict counts.'),
  }), 'What the verdict says.'),
});

/** policy.yaml as read; keys as written, every default filled in. `at` of each part is where it stands. */
export type Policy = Omit<ValueOf<typeof policyShape>, 'findings'> & { readonly findings: readonly FindingRule[] };

/** Reads policy.yaml strictly. An empty text gives the strict policy. Fails with `POLICY_INVALID`. */
export function parsePolicy(source: string, file = 'policy.yaml'): Policy {
  const read = readDocument(policyShape, source, file);
  return { ...read, findings: read.findings ?? [{ ...strictFindings, at: read.at }] };
}

/** JSON Schema of policy.yaml, derived from what reads it. */
export function policyJsonSchema(): JsonObject {
  return documentSchema(policyShape, 'Pratique policy', 'What an image must show to leave quarantine.');
}
