// SPDX-License-Identifier: Apache-2.0
// Public names of sign: statements and predicates, keyless signing, attaching, verifying.
export { attest, type Attested, type AttestOptions } from './attest.ts';
export { bundleMediaType } from './bundle.ts';
export { deploymentPredicate, readDeploymentPredicate, type DeploymentFacts, type DeploymentMetric, type ReadDeployment } from './deployment.ts';
export { requireIdentity } from './identity-token.ts';
export { provenancePredicate, type ProvenanceFacts } from './provenance.ts';
export { isBundleReferrer, readAttestation, statedPredicateType } from './referrer.ts';
export { createStatementSigner, type StatementSigner } from './signer.ts';
export type { PlannedStatement } from './statement.ts';
export { testResultPredicate, type TestFacts } from './test-result.ts';
export { loadTrustMaterial, type TrustedKey, type TrustMaterial } from './trust.ts';
export { readVerdictPredicate, verdictPredicate, type VerdictPredicate } from './verdict.ts';
export { verifyAttestation, type VerifiedAttestation } from './verify.ts';
