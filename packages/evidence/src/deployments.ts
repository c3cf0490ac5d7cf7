// SPDX-License-Identifier: Apache-2.0
// Where an image was deployed, and how that ended: records signed by the role deploy. They tell; no verdict rests on them.
import { Failure, predicateTypes, type PinnedImage, type VerifiedStatement } from '@pratique/core';
import type { Repository } from '@pratique/oci';
import { mayState, rolesOf, type Trust } from '@pratique/policy';
import { readDeploymentPredicate, type ReadDeployment, type TrustMaterial } from '@pratique/sign';
import { readReferrers } from './referrer-statements.ts';

/** A record, and the statement that proves it. */
export interface ProvenDeployment extends ReadDeployment {
  readonly statement: VerifiedStatement;
}

export interface DeploymentsOptions {
  readonly repository: Repository;
  readonly image: PinnedImage;
  readonly trust: Trust;
  readonly trustMaterial: TrustMaterial;
}

/** Believed records on the image, newest first. Fails with `GATE_REFERRERS_FLOOD`, `REGISTRY_*`. */
export async function readDeployments(options: DeploymentsOptions): Promise<readonly ProvenDeployment[]> {
  const { statements } = await readReferrers({ ...options, subjects: [options.image.digest], channel: 'release' });
  return deploymentsOf(statements, options.trust);
}

/** The records among verified statements whose signers hold the role deploy, newest first by trusted time. What cannot be read is left out. */
export function deploymentsOf(statements: readonly VerifiedStatement[], trust: Trust): readonly ProvenDeployment[] {
  const believed = statements.filter(({ predicateType, signer, trustedTime }) => predicateType === predicateTypes.deployment && mayState(predicateType, rolesOf(trust, signer, trustedTime, 'release')));
  return believed.flatMap(read).toSorted((a, b) => b.statement.trustedTime.getTime() - a.statement.trustedTime.getTime());
}

function read(statement: VerifiedStatement): ProvenDeployment[] {
  try {
    return [{ ...readDeploymentPredicate(statement.predicate), statement }];
  } catch (thrown) {
    if (thrown instanceof Failure) return [];
    throw thrown;
  }
}

/** `promoted on https://… as web/shop, revision 3`. */
export function formatDeployment({ result, target, revision, code }: ReadDeployment): string {
  return `${result}${code === undefined ? '' : ` (${code})`} on ${target.cluster.server} as ${target.namespace}/${target.release}, revision ${revision}`;
}
