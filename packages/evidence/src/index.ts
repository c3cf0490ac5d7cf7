// SPDX-License-Identifier: Apache-2.0
// Public names of evidence: the policy set, what is proven about an image, the decision, and what consumers ask.
export { proveApprovals } from './approvals.ts';
export { collect, type Collected, type CollectOptions } from './collect.ts';
export { decide, type DecideOptions } from './decide.ts';
export { deploymentsOf, formatDeployment, readDeployments, type DeploymentsOptions, type ProvenDeployment } from './deployments.ts';
export { loadPolicySet, type PolicySet } from './policy-set.ts';
export { requireVerdict, type ProvenVerdict, type RequireVerdictOptions } from './require-verdict.ts';
export { revocation, type RevocationOptions } from './revocation.ts';
