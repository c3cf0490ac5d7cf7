// SPDX-License-Identifier: Apache-2.0
// What believed statements say of the build: provenance (SLSA v1), tests (in-toto test-result) and SBOMs. Read leniently, shown as text, decides nothing.
import { isJsonObject, predicateTypes, type Digest, type VerifiedStatement } from '@pratique/core';

/** Where an image comes from. */
export interface Provenance {
  readonly builder: string;
  readonly source: string;
  readonly ref: string;
  readonly revision: string;
  /** Workflow file that was run. */
  readonly workflow: string;
  readonly event: string;
  /** Address of the run. */
  readonly run: string;
  readonly materials: readonly { readonly uri: string; readonly digest: string }[];
  readonly attestation: Digest;
}

/** The test stage. */
export interface TestResult {
  readonly result: string;
  readonly names: readonly string[];
  readonly finished: string;
  readonly attestation: Digest;
}

/** One SBOM of one platform. */
export interface Sbom {
  readonly subject: Digest;
  readonly format: 'CycloneDX' | 'SPDX';
  readonly packages: number;
  readonly attestation: Digest;
}

const mostMaterials = 200;

/** The newest of a type on a subject. `statements` are believed ones. */
function newestOf(statements: readonly VerifiedStatement[], type: string): VerifiedStatement | undefined {
  return statements.filter(({ predicateType }) => predicateType === type).toSorted((a, b) => b.trustedTime.getTime() - a.trustedTime.getTime())[0];
}

/** Absent when there is none. */
export function provenanceOf(statements: readonly VerifiedStatement[]): Provenance | undefined {
  const found = newestOf(statements, predicateTypes.provenance);
  if (found === undefined) return undefined;
  const definition = member(found.predicate, 'buildDefinition');
  const details = member(found.predicate, 'runDetails');
  const workflow = member(member(definition, 'externalParameters'), 'workflow');
  const dependencies = itemsOf(member(definition, 'resolvedDependencies')).map((one) => ({ uri: text(member(one, 'uri')), digest: digestText(member(one, 'digest')) }));
  const isSource = ({ digest }: { digest: string }): boolean => digest.startsWith('gitCommit:');
  return {
    builder: text(member(member(details, 'builder'), 'id')), source: text(member(workflow, 'repository')), ref: text(member(workflow, 'ref')), workflow: text(member(workflow, 'path')),
    revision: dependencies.find(isSource)?.digest.slice('gitCommit:'.length) ?? '', event: text(member(member(member(definition, 'internalParameters'), 'github'), 'event_name')),
    run: text(member(member(details, 'metadata'), 'invocationId')), materials: dependencies.filter((one) => !isSource(one)).slice(0, mostMaterials), attestation: found.attestation,
  };
}

/** Absent when there is none. */
export function testsOf(statements: readonly VerifiedStatement[]): TestResult | undefined {
  const found = newestOf(statements, predicateTypes.tests);
  if (found === undefined) return undefined;
  const names = [...itemsOf(member(found.predicate, 'passedTests')), ...itemsOf(member(found.predicate, 'failedTests'))].map(text).slice(0, 20);
  return { result: text(member(found.predicate, 'result')), names, finished: text(member(found.predicate, 'finishedAt')), attestation: found.attestation };
}

/** The newest of each format on each subject. */
export function sbomsOf(statements: readonly VerifiedStatement[], subjects: readonly Digest[]): Sbom[] {
  return subjects.flatMap((subject) => (['CycloneDX', 'SPDX'] as const).flatMap((format): Sbom[] => {
    const found = newestOf(statements.filter((one) => one.subject === subject), format === 'SPDX' ? predicateTypes.spdx : predicateTypes.cyclonedx);
    if (found === undefined) return [];
    return [{ subject, format, packages: itemsOf(member(found.predicate, format === 'SPDX' ? 'packages' : 'components')).length, attestation: found.attestation }];
  }));
}

function member(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `algorithm:value` of the first entry of an in-toto digest set. */
function digestText(value: unknown): string {
  const [first] = isJsonObject(value) ? Object.entries(value) : [];
  return first === undefined ? '' : `${first[0]}:${text(first[1])}`;
}
