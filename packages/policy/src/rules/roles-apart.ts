// SPDX-License-Identifier: Apache-2.0
// Rule: who signed what the build role must sign does not hold the gate role as well. Where the policy allows it, the verdict says so.
import { formatSigner, predicateTypes } from '@pratique/core';
import { credible, reason, requires, type Rule } from '../case.ts';
import { rolesOf } from '../roles.ts';

const built = { signature: predicateTypes.signature, provenance: predicateTypes.provenance, tests: predicateTypes.tests } as const;

export const rolesApart: Rule = (at) => {
  const types = Object.entries(built).filter(([kind]) => requires(at.policy, kind as keyof typeof built)).map(([, type]) => type);
  const statements = credible(at, at.evidence.image.digest, types);
  const double = new Set(statements.filter(({ signer, trustedTime }) => rolesOf(at.trust, signer, trustedTime, at.channel).includes('gate')).map(({ signer }) => formatSigner(signer)));
  const allowed = at.policy['roles-overlap'] === 'allow';
  return {
    inputs: [],
    reasons: [...double].map((signer) => reason({
      effect: allowed ? 'info' : 'deny', code: 'GATE_ROLES_OVERLAP', rule: 'roles-overlap', subject: at.evidence.image.digest, at: at.policy.at,
      message: `${signer} may both build and judge${allowed ? '; the policy allows it' : ''}`,
    })),
  };
};
