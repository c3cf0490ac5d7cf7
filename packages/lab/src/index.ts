// SPDX-License-Identifier: Apache-2.0
// Public names of the lab: servers that stand in for what the pipeline talks to.
export { createAuthority, type Authority } from './authority.ts';
export type { FilePart } from './file-sender.ts';
export { bodyChunks, ConnectionReset, respondWithFile, serve, type Handler, type Served, type ServeOptions } from './serve.ts';
export { createEntra, type Entra, type EntraClient, type EntraOptions, type EntraPrincipal } from './entra/entra.ts';
export type { FederatedCredential } from './entra/federation.ts';
export { createGitHub, type GitHub, type GitHubOptions } from './github/github.ts';
export type { GitHubState, LabPullRequest, LabRepository, LabReview, LabUser } from './github/state.ts';
export { createSigstore, type Sigstore, type SigstoreOptions } from './sigstore/sigstore.ts';
export type { FulcioIssuer } from './sigstore/workflow-identity.ts';
export { createAcrEmulator, type AcrEmulator, type AcrEmulatorOptions, type AcrSettings } from './acr/emulator.ts';
export { networkRefusal, type Fault, type FaultAction, type FaultPlan } from './acr/faults.ts';
export { tokenUser, type Account, type EntraIdentity } from './acr/identities.ts';
export type { Conclusion, JobRecord, JobRequest, JobTokens, RunnerEvent, StepRecord, WorkflowRecord, WorkflowRunOptions } from './runner/run.ts';
export { runWorkflow } from './runner/workflow-run.ts';
export type { Assignment, RoleMode } from './acr/roles.ts';
export type { RateLimits } from './acr/throttle.ts';
export { startLab, type Lab, type LabOptions } from './lab.ts';
export type { LabAddresses, RegistryLogin } from './lab-addresses.ts';
export { labClients, labRepository, labSubjects, labTenantId, labUsers, type LabPrincipal } from './lab-defaults.ts';
export { labServices, type Interceptor, type LabService } from './lab-listeners.ts';
export { keepServerCertificate } from './server-certificate.ts';
export { openKeyStore } from './key-store.ts';
