// SPDX-License-Identifier: Apache-2.0
// What the report tells, from what was read and answered: pure. Only statements by signers with the role for them tell anything; the rest is named.
import type { Channel, ImagePlatform, PinnedImage, VerifiedStatement } from '@pratique/core';
import type { HeldLocks } from '@pratique/acr';
import { deploymentsOf, type PolicySet, type ProvenDeployment } from '@pratique/evidence';
import { mayState, parseExceptions, parsePolicy, parseTrust, rolesOf, surveyFindings, type Approvals, type FindingSurvey, type Trust } from '@pratique/policy';
import type { ImageContents } from '../image-contents.ts';
import { channels, type Answer } from './answers.ts';
import { attestationGroups, statementsOf, type AttestationGroup } from './attestation-rows.ts';
import { provenanceOf, sbomsOf, testsOf, type Provenance, type Sbom, type TestResult } from './build-facts.ts';
import { standingOf, type Standing } from './standing.ts';

/** Locks as the registry told them, or the code of why it did not. */
export type Locks = { readonly held: HeldLocks } | { readonly untold: string };

/** All that the page shows. */
export interface ReportModel {
  readonly image: PinnedImage;
  readonly version: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  readonly standing: Standing;
  /** The answer that decides the standing. */
  readonly deciding: Answer | undefined;
  readonly answers: readonly Answer[];
  /** Who is believed: the policy of now. Absent: nobody, because none was given. */
  readonly believed: Pick<PolicySet, 'uri' | 'digest' | 'origin' | 'protection'> | undefined;
  readonly mediaType: string;
  readonly platforms: readonly ImagePlatform[];
  readonly tags: readonly string[];
  readonly locks: Locks;
  /** Of this channel's believed scans; release unless only previews have any. */
  readonly channel: Channel;
  readonly survey: FindingSurvey;
  readonly sboms: readonly Sbom[];
  readonly provenance: Provenance | undefined;
  readonly tests: TestResult | undefined;
  /** Newest first. */
  readonly deployments: readonly ProvenDeployment[];
  readonly groups: readonly AttestationGroup[];
  readonly generatedAt: Date;
}

/** What was read, and what it is held against. */
export interface ModelOptions {
  readonly contents: ImageContents;
  readonly answers: readonly Answer[];
  readonly locks: Locks;
  /** Absent: nobody is believed. */
  readonly set: Omit<PolicySet, 'pinned'> | undefined;
  readonly approvals?: Approvals;
  readonly now: Date;
}

/** A trust in which nobody holds a role. */
export const nobody: Trust = parseTrust('');

/** The model of the page. */
export function reportModel({ contents, answers, locks, set, approvals, now }: ModelOptions): ReportModel {
  const { pinned, image, branches, tags } = contents;
  const trust = set?.trust ?? nobody;
  const statements = statementsOf(branches);
  const surveyed = surveyBy({ contents, statements, set, now, ...(approvals ? { approvals } : {}) });
  const believed = statements.filter(isBelieved(trust, surveyed.channel));
  const ofImage = believed.filter(({ subject }) => subject === pinned.digest);
  const version = image.annotations['org.opencontainers.image.version'];
  return {
    image: pinned, version, annotations: image.annotations, ...standingOf(answers, trust.gate.length > 0), answers, believed: set,
    mediaType: image.root.descriptor.mediaType, platforms: image.platforms, tags: tags.toSorted(newestTagFirst), locks, ...surveyed,
    sboms: sbomsOf(believed, image.platforms.map(({ digest }) => digest)), provenance: provenanceOf(ofImage), tests: testsOf(ofImage),
    deployments: deploymentsOf(statements.filter(({ subject }) => subject === pinned.digest), trust), groups: attestationGroups(contents, trust), generatedAt: now,
  };
}

function isBelieved(trust: Trust, channel: Channel): (statement: VerifiedStatement) => boolean {
  return ({ predicateType, signer, trustedTime }) => mayState(predicateType, rolesOf(trust, signer, trustedTime, channel));
}

interface Surveying extends Pick<ModelOptions, 'contents' | 'set' | 'approvals' | 'now'> {
  readonly statements: readonly VerifiedStatement[];
}

/** By the release channel, as long as it has a scan at all. */
function surveyBy({ contents, statements, set, approvals, now }: Surveying): { readonly channel: Channel; readonly survey: FindingSurvey } {
  const evidence = { image: contents.pinned, platforms: contents.image.platforms, statements, disbelieved: [], collectedAt: now };
  const by = (channel: Channel) => ({
    channel,
    survey: surveyFindings({
      policy: set?.policy ?? parsePolicy(''), trust: set?.trust ?? nobody, exceptions: set?.exceptions ?? parseExceptions(''), evidence, channel, now, ...(approvals ? { approvals } : {}),
    }),
  });
  const [release, ...others] = channels.map(by);
  return [release, ...others].find((one) => one !== undefined && one.survey.scans.length > 0) ?? by('release');
}

/** Longest first: 1.2.0 before 1.2, which it explains. */
function newestTagFirst(a: string, b: string): number {
  return b.split('.').length - a.split('.').length || a.localeCompare(b);
}
